/** The UDP link on real sockets. */
import assert from "node:assert/strict";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, it } from "node:test";
import { OwnEndpoints } from "../../src/links/own-endpoints.ts";
import { UdpLink, type UdpLinkParts } from "../../src/links/udp-link.ts";
import type { Link, LinkAddress, LinkEnd } from "../../src/seams/link.ts";
import { KeptLog } from "../kit/kept-log.ts";

interface Heard {
  readonly link: Link;
  readonly from: LinkAddress;
  readonly frame: Uint8Array;
}

/** A link end that keeps what it hears. */
class Ear implements LinkEnd {
  readonly heard: Heard[] = [];
  #waiting: (() => void) | undefined;

  receive(link: Link, from: LinkAddress, frame: Uint8Array): void {
    assert.ok(!Buffer.isBuffer(frame));
    this.heard.push({ link, from, frame: frame.slice() });
    this.#waiting?.();
  }

  async until(count: number): Promise<Heard[]> {
    while (this.heard.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.heard;
  }
}

const running: UdpLink[] = [];
const sockets: Socket[] = [];

function linkWith(parts: Partial<UdpLinkParts>): { link: UdpLink; ear: Ear; log: KeptLog } {
  const ear = new Ear();
  const log = new KeptLog();
  const link = new UdpLink({
    name: "udp",
    address: "127.0.0.1",
    port: 0,
    retryInterval: 10_000,
    retryLimit: 4,
    maximumFrame: 1400,
    receiveBuffer: 1_048_576,
    setting: "link[0].port",
    end: ear,
    log,
    ...parts,
  });
  running.push(link);
  return { link, ear, log };
}

async function nodeOn(address: string): Promise<Socket> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  sockets.push(socket);
  socket.bind(0, address);
  await once(socket, "listening");
  return socket;
}

async function nextMessage(socket: Socket): Promise<{ bytes: number[]; from: RemoteInfo }> {
  const [message, from] = (await once(socket, "message")) as [Buffer, RemoteInfo];
  return { bytes: [...message], from };
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((link) => link.stop()));
  for (const socket of sockets.splice(0)) socket.close();
});

for (const address of ["127.0.0.1", "::1"]) {
  it(`carries frames both ways on ${address}, and knows a node again`, async () => {
    const { link, ear } = linkWith({ address });
    await link.start();
    const node = await nodeOn(address);
    node.send(Uint8Array.of(2, 0x16), link.port, address);
    node.send(Uint8Array.of(2, 0x17), link.port, address);
    const [first, second] = await ear.until(2);
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(first.link, link);
    assert.deepEqual([...first.frame], [2, 0x16]);
    const shown = address === "::1" ? "[::1]" : address;
    assert.equal(first.from.key, `${shown}:${node.address().port}`);
    assert.equal(second.from, first.from, "the same address object");
    const answer = nextMessage(node);
    const frame = Uint8Array.of(3, 5, 0);
    link.send(first.from, frame);
    frame.fill(0xff);
    const { bytes, from } = await answer;
    assert.deepEqual(bytes, [3, 5, 0], "the frame may be reused after send");
    assert.equal(from.port, link.port);
  });
}

it("listens on every address of both families for an empty address", async () => {
  const { link, ear } = linkWith({ address: "" });
  await link.start();
  const four = await nodeOn("127.0.0.1");
  const six = await nodeOn("::1");
  four.send(Uint8Array.of(2, 0x16), link.port, "127.0.0.1");
  const [first] = await ear.until(1);
  assert.equal(first?.from.key, `127.0.0.1:${four.address().port}`);
  six.send(Uint8Array.of(2, 0x16), link.port, "::1");
  const second = (await ear.until(2))[1];
  assert.equal(second?.from.key, `[::1]:${six.address().port}`);
  const answer = nextMessage(six);
  link.send((second as Heard).from, Uint8Array.of(2, 0x17));
  assert.deepEqual((await answer).bytes, [2, 0x17]);
});

it("listens on a host name", async () => {
  const { link, ear } = linkWith({ address: "localhost" });
  await link.start();
  // Which family the name stands for is the machine's affair.
  for (const address of ["127.0.0.1", "::1"]) {
    const node = await nodeOn(address);
    node.send(Uint8Array.of(2, 0x16), link.port, address);
  }
  assert.equal((await ear.until(1)).length, 1);
});

it("many datagrams in a burst all keep their own content on the way out", async () => {
  const { link, ear } = linkWith({});
  await link.start();
  const node = await nodeOn("127.0.0.1");
  node.setRecvBufferSize(4_194_304);
  node.send(Uint8Array.of(2, 0x16), link.port, "127.0.0.1");
  const [first] = await ear.until(1);
  const got: number[] = [];
  const all = new Promise<void>((resolve) => {
    node.on("message", (message) => {
      got.push(message.readUInt16BE(0));
      assert.equal(message.length, 600);
      if (got.length === 300) resolve();
    });
  });
  const frame = new Uint8Array(600);
  for (let number = 0; number < 300; number++) {
    frame[0] = number >> 8;
    frame[1] = number;
    link.send((first as Heard).from, frame);
  }
  await all;
  assert.deepEqual(
    got,
    Array.from({ length: 300 }, (_, number) => number),
  );
});

it("what cannot be sent is counted, not thrown", async () => {
  const { link, ear } = linkWith({});
  await link.start();
  const node = await nodeOn("127.0.0.1");
  node.send(Uint8Array.of(2, 0x16), link.port, "127.0.0.1");
  const [first] = await ear.until(1);
  const { from } = first as Heard;
  link.send(from, new Uint8Array(65_600));
  const answer = nextMessage(node);
  link.send(from, Uint8Array.of(2, 0x17));
  await answer;
  assert.equal(link.errors, 1);
  await link.stop();
  link.send(from, Uint8Array.of(2, 0x17));
});

it("a node that is gone does no harm", async () => {
  const { link, ear } = linkWith({});
  await link.start();
  const gone = await nodeOn("127.0.0.1");
  gone.send(Uint8Array.of(2, 0x16), link.port, "127.0.0.1");
  const [first] = await ear.until(1);
  sockets.splice(sockets.indexOf(gone), 1);
  gone.close();
  await once(gone, "close");
  for (let repetition = 0; repetition < 40; repetition++) {
    link.send((first as Heard).from, Uint8Array.of(2, 0x17));
  }
  const node = await nodeOn("127.0.0.1");
  node.send(Uint8Array.of(2, 0x16), link.port, "127.0.0.1");
  await ear.until(2);
});

it("finds the address of a key again, of a family that it serves", async () => {
  const { link, ear } = linkWith({ address: "::" });
  await link.start();
  const six = await nodeOn("::1");
  const key = `[::1]:${six.address().port}`;
  const address = link.addressOf(key) as LinkAddress;
  assert.equal(address.key, key);
  const answer = nextMessage(six);
  link.send(address, Uint8Array.of(2, 0x17));
  await answer;
  six.send(Uint8Array.of(2, 0x16), link.port, "::1");
  assert.equal((await ear.until(1))[0]?.from, address);
  for (const wrong of ["127.0.0.1:1884", "x", "[::1]", "[::1]:0", "[::1]:65536", ""]) {
    assert.equal(link.addressOf(wrong), undefined, wrong);
  }
});

it("links for one family each share a port", async () => {
  const six = linkWith({ address: "::" });
  await six.link.start();
  const four = linkWith({ address: "0.0.0.0", port: six.link.port });
  await four.link.start();
  const node = await nodeOn("127.0.0.1");
  node.send(Uint8Array.of(2, 0x16), four.link.port, "127.0.0.1");
  await four.ear.until(1);
  assert.equal(six.ear.heard.length, 0);
});

describe("a link that cannot open", () => {
  it("says which address, port and setting, with a stable code", async () => {
    const taken = linkWith({}).link;
    await taken.start();
    const { link } = linkWith({ port: taken.port });
    await assert.rejects(link.start(), {
      code: "MIDGE_LINK_OPEN_FAILED",
      message: `link "udp": cannot receive on UDP 127.0.0.1:${taken.port}: the port is in use by another program (set by link[0].port)`,
    });
  });

  it("says so for an address that the machine does not have", async () => {
    await assert.rejects(linkWith({ address: "192.0.2.1" }).link.start(), {
      code: "MIDGE_LINK_OPEN_FAILED",
      message: /this machine has no such address/,
    });
  });

  it("says so for a multicast group of the other family", async () => {
    await assert.rejects(linkWith({ multicastGroup: "ff02::1234" }).link.start(), {
      code: "MIDGE_LINK_OPEN_FAILED",
      message: /an IPv6 multicast group needs an IPv6 address/,
    });
  });
});

describe("multicast", () => {
  const group = "239.255.77.33";

  it("hears a search sent to the group, and answers it from its own address", async () => {
    const { link, ear } = linkWith({ multicastGroup: group });
    await link.start();
    const node = await nodeOn("127.0.0.1");
    node.setMulticastInterface("127.0.0.1");
    node.send(Uint8Array.of(3, 1, 0), link.port, group);
    const [search] = await ear.until(1);
    assert.deepEqual([...(search as Heard).frame], [3, 1, 0]);
    const answer = nextMessage(node);
    link.send((search as Heard).from, Uint8Array.of(3, 2, 7));
    const { from } = await answer;
    assert.deepEqual([from.address, from.port], ["127.0.0.1", link.port]);
  });

  it("broadcasts reach the group, and do not come back as a node's", async () => {
    const { link, ear } = linkWith({ multicastGroup: group });
    await link.start();
    const listener = createSocket({ type: "udp4", reuseAddr: true });
    sockets.push(listener);
    listener.bind(link.port, group);
    await once(listener, "listening");
    listener.addMembership(group, "127.0.0.1");
    const advertised = nextMessage(listener);
    link.broadcast(Uint8Array.of(5, 0, 7, 3, 0x84));
    assert.deepEqual((await advertised).bytes, [5, 0, 7, 3, 0x84]);
    const node = await nodeOn("127.0.0.1");
    node.send(Uint8Array.of(2, 0x16), link.port, "127.0.0.1");
    const heard = await ear.until(1);
    assert.deepEqual(
      heard.map(({ frame }) => [...frame]),
      [[2, 0x16]],
    );
  });

  it("works on a link for every address, through the interface that is named", async () => {
    const { link, ear } = linkWith({
      address: "",
      multicastGroup: group,
      multicastInterface: "127.0.0.1",
    });
    await link.start();
    link.broadcast(Uint8Array.of(5, 0, 7, 3, 0x84));
    const node = await nodeOn("127.0.0.1");
    node.setMulticastInterface("127.0.0.1");
    node.send(Uint8Array.of(3, 1, 0), link.port, group);
    const heard = await ear.until(1);
    assert.deepEqual(
      heard.map(({ frame }) => [...frame]),
      [[3, 1, 0]],
    );
    assert.equal(link.errors, 0);
  });

  it("several links share a group and a port, each with its own address, and do not hear each other", async () => {
    const own = new OwnEndpoints();
    const one = linkWith({ address: "127.0.0.1", multicastGroup: group, own });
    await one.link.start();
    const { port } = one.link;
    const other = linkWith({ address: "127.0.0.2", multicastGroup: group, port, own });
    await other.link.start();
    for (const { link } of [one, other]) link.broadcast(Uint8Array.of(5, 0, 7, 3, 0x84));
    const node = await nodeOn("127.0.0.1");
    node.setMulticastInterface("127.0.0.1");
    node.send(Uint8Array.of(3, 1, 0), port, group);
    for (const { link, ear } of [one, other]) {
      const heard = await ear.until(1);
      assert.deepEqual(
        heard.map(({ frame }) => [...frame]),
        [[3, 1, 0]],
      );
      const answer = nextMessage(node);
      link.send((heard[0] as Heard).from, Uint8Array.of(3, 2, 7));
      const { from } = await answer;
      assert.equal(from.address, link === one.link ? "127.0.0.1" : "127.0.0.2");
    }
  });

  it("another gateway that says the very same is heard", async () => {
    const { link, ear } = linkWith({ multicastGroup: group });
    await link.start();
    const other = createSocket({ type: "udp4", reuseAddr: true });
    sockets.push(other);
    other.bind(link.port, "127.0.0.3");
    await once(other, "listening");
    other.setMulticastInterface("127.0.0.1");
    const advertise = Uint8Array.of(5, 0, 7, 3, 0x84);
    link.broadcast(advertise);
    other.send(advertise, link.port, group);
    const [heard] = await ear.until(1);
    assert.equal(heard?.from.key, `127.0.0.3:${link.port}`);
  });

  it("hears searches on IPv6, and broadcasts there", async (t) => {
    // Meant for one interface only, so that nothing leaves the machine.
    const group6 = "ff01::4d53";
    const { link, ear } = linkWith({ address: "::1", multicastGroup: group6 });
    await link.start();
    const node = createSocket({ type: "udp6", reuseAddr: true });
    sockets.push(node);
    node.bind(0, "::1");
    await once(node, "listening");
    node.setMulticastInterface("::%lo");
    const unreachable = await new Promise<boolean>((resolve) =>
      node.send(Uint8Array.of(3, 1, 0), link.port, group6, (error) => resolve(error !== null)),
    );
    if (unreachable) {
      t.skip("the loopback interface carries no IPv6 multicast here");
      return;
    }
    const [search] = await ear.until(1);
    assert.deepEqual([...(search as Heard).frame], [3, 1, 0]);
    const answer = nextMessage(node);
    link.send((search as Heard).from, Uint8Array.of(3, 2, 7));
    assert.equal((await answer).from.port, link.port);
    link.broadcast(Uint8Array.of(5, 0, 7, 3, 0x84));
    assert.equal(link.errors, 0);
  });

  it("limits how far broadcasts go to the radius, and to what is configured", async () => {
    const { link } = linkWith({ multicastGroup: group, multicastHops: 4 });
    await link.start();
    for (const radius of [0, 1, 255]) link.broadcast(Uint8Array.of(3, 2, 7), radius);
    assert.equal(link.errors, 0);
  });

  it("without a group broadcast does nothing", async () => {
    const { link } = linkWith({});
    await link.start();
    link.broadcast(Uint8Array.of(2, 0x17));
    assert.equal(link.errors, 0);
  });
});
