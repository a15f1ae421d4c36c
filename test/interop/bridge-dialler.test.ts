/** Dialling over TCP: connections, and failures told in words, none of them blocking. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import type { Wire, WireEnd } from "../../src/seams/wire.ts";
import { FlushTurn } from "../../src/sockets/flush-turn.ts";
import { networkCause } from "../../src/sockets/network-cause.ts";
import { BridgeDialler } from "../../src/uplink/bridge-dialler.ts";
import { NameLookup } from "../../src/uplink/name-lookup.ts";
import { freePort } from "../kit/ports.ts";

async function echoServer(t: TestContext): Promise<number> {
  const server: Server = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

interface Heard {
  readonly wire?: Wire;
  readonly cause?: string;
}

/** Dials, and waits for what comes of it. */
function dial(
  dialler: BridgeDialler,
  host: string,
  port: number,
  end?: Partial<WireEnd>,
): Promise<Heard> {
  return new Promise((resolve) => {
    dialler.dial(
      { host, port },
      (wire) => {
        resolve({ wire });
        return { receive() {}, drained() {}, closed() {}, ...end };
      },
      (cause) => resolve({ cause }),
    );
  });
}

test("bytes go there and come back, the end of the connection is told", async (t) => {
  const port = await echoServer(t);
  let received = "";
  const closed = new Promise<void>((resolve) => {
    const end: WireEnd = {
      receive(bytes) {
        received += Buffer.from(bytes).toString();
        if (received === "hello, world") wire?.close();
      },
      drained() {},
      closed: () => resolve(),
    };
    let wire: Wire | undefined;
    new BridgeDialler({ turn: new FlushTurn() }).dial(
      { host: "localhost", port },
      (connected) => {
        wire = connected;
        wire.output.text("hello, ");
        wire.flush();
        wire.output.text("world");
        wire.flush();
        return end;
      },
      assert.fail,
    );
  });
  await closed;
  assert.equal(received, "hello, world");
});

test("a refused connection and an unknown name are failures in words", async () => {
  const dialler = new BridgeDialler({ turn: new FlushTurn() });
  assert.deepEqual(await dial(dialler, "127.0.0.1", await freePort()), {
    cause: "connection refused",
  });
  assert.deepEqual(await dial(dialler, "localhost", await freePort()), {
    cause: "connection refused",
  });
  const { cause } = await dial(dialler, "no.such.host.invalid", 1883);
  assert.match(
    cause ?? "",
    /^(unknown host name|the name server did not answer|the host name has no address)$/,
  );
});

test("a name server that does not answer holds nothing up for longer than the timeout", async () => {
  const names = new NameLookup(() => {});
  const dialler = new BridgeDialler({ turn: new FlushTurn() }, names, 100);
  assert.deepEqual(await dial(dialler, "somewhere.example", 1883), {
    cause: "no answer within 0.1 s",
  });
});

test("a cancelled attempt says nothing any more", async (t) => {
  const port = await echoServer(t);
  const dialler = new BridgeDialler({ turn: new FlushTurn() });
  dialler.dial({ host: "127.0.0.1", port }, () => assert.fail(), assert.fail).cancel();
  dialler.dial({ host: "no.such.host.invalid", port }, () => assert.fail(), assert.fail).cancel();
  const { wire } = await dial(dialler, "127.0.0.1", port);
  assert.ok(wire);
  wire.close();
});

test("lookups of one name are one, and only two run at a time", async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const names = new NameLookup((name, answer) => {
    asked.push(name);
    answers.push(() => answer(null, [{ address: "192.0.2.1", family: 4 }]));
  });
  const found: string[] = [];
  for (const name of ["a", "a", "b", "c", "b", "192.0.2.7"]) {
    names.lookup(name, { all: true }, (_error, addresses) => {
      found.push(`${name}=${Array.isArray(addresses) ? addresses[0]?.address : addresses}`);
    });
  }
  await new Promise(setImmediate);
  assert.deepEqual([asked, found], [["a", "b"], ["192.0.2.7=192.0.2.7"]]);
  answers[0]?.();
  assert.deepEqual(asked, ["a", "b", "c"]);
  assert.deepEqual(found.slice(1), ["a=192.0.2.1", "a=192.0.2.1"]);
});

test("a name without addresses is an error, and one address is enough for who asks for one", () => {
  const none = new NameLookup((_name, answer) => answer(null, []));
  none.lookup("a", {}, (error) => assert.equal(error?.code, "ENODATA"));
  const one = new NameLookup((_name, answer) => answer(null, [{ address: "::1", family: 6 }]));
  one.lookup("a", {}, (_error, address, family) => assert.deepEqual([address, family], ["::1", 6]));
});

test("network errors in words", () => {
  const error = (code: string): Error => Object.assign(new Error("text"), { code });
  assert.equal(networkCause(error("EHOSTUNREACH")), "host unreachable");
  assert.equal(networkCause(error("ESOMETHING")), "text");
  assert.equal(
    networkCause(new AggregateError([error("ECONNREFUSED"), error("ENETUNREACH")])),
    "connection refused",
  );
  assert.equal(networkCause(new Error("")), "unknown error");
});
