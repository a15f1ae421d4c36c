/** A bridge between the broker core and a real Mosquitto, over TCP. */
import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { Bridge } from "../../src/bridge/bridge.ts";
import { bridgeOptions, type GivenBridgeOptions } from "../../src/bridge/options.ts";
import { Broker } from "../../src/broker/broker.ts";
import { Connection } from "../../src/broker/connection.ts";
import { DEFAULT_BROKER_OPTIONS } from "../../src/broker/options.ts";
import { TextCache } from "../../src/bytes/text-cache.ts";
import { ConnectionRoom } from "../../src/listeners/connection-room.ts";
import { Listener } from "../../src/listeners/listener.ts";
import { FlushTurn } from "../../src/sockets/flush-turn.ts";
import { RealTime } from "../../src/system/real-time.ts";
import { BridgeDialler } from "../../src/uplink/bridge-dialler.ts";
import { KeptLog } from "../kit/kept-log.ts";
import { MemoryDisk } from "../kit/memory-disk.ts";
import { freePort } from "../kit/ports.ts";
import {
  mosquittoPub,
  mosquittoSub,
  type Program,
  runToEnd,
  startMosquitto,
} from "../kit/processes.ts";
import { topic } from "../kit/test-bridge.ts";

interface Site {
  /** Of the broker here. */
  readonly port: number;
  readonly bridge: Bridge;
  readonly log: KeptLog;
}

/** A broker with a bridge to Mosquitto at `remotePort`, in this process. */
async function startSite(
  t: TestContext,
  remotePort: number,
  options: Partial<GivenBridgeOptions>,
): Promise<Site> {
  const time = new RealTime();
  const turn = new FlushTurn();
  const log = new KeptLog();
  const disk = new MemoryDisk();
  const { scheduler } = time;
  const broker = new Broker({
    clock: time,
    scheduler,
    journal: disk.open(),
    log,
    options: { ...DEFAULT_BROKER_OPTIONS, maxQueuedMessages: 0 },
  });
  const topics = new TextCache();
  const listener = new Listener({
    options: { setting: "", address: "127.0.0.1", port: 0, protocol: "mqtt" },
    room: new ConnectionRoom({ openFiles: undefined, clock: time, log }),
    turn,
    clock: time,
    scheduler,
    log,
    accept: (wire) => {
      const policy = { name: "", label: "", origin: "mqtt", allowAnonymous: true } as const;
      const connection = new Connection({ broker, wire, policy, random: Math.random, topics });
      connection.open();
      return connection;
    },
  });
  const bridge = new Bridge({
    door: broker,
    dialler: new BridgeDialler({ turn }),
    clock: time,
    scheduler,
    random: Math.random,
    log,
    brokerId: `site-${listener.port}`,
    options: bridgeOptions({
      name: "cloud",
      addresses: [{ host: "127.0.0.1", port: remotePort }],
      topics: [],
      remoteClientId: "box.cloud",
      restartBase: 200,
      restartCap: 200,
      ...options,
    }),
  });
  const commits = setInterval(() => disk.commit(), 5);
  time.start();
  await listener.start();
  bridge.start();
  t.after(async () => {
    bridge.stop();
    await listener.stop();
    time.stop();
    clearInterval(commits);
  });
  return { port: listener.port, bridge, log };
}

const messages = (program: Program): string[] =>
  program.lines.filter((line) => !/^(Client |Subscribed )/.test(line));

async function gather(program: Program, count: number): Promise<string[]> {
  await program.until(() => messages(program).length >= count, `${count} messages`);
  return messages(program);
}

/** Waits until Mosquitto shows the bridge as connected, or not. */
async function remoteState(t: TestContext, port: number, state: "0" | "1"): Promise<void> {
  const watch = await mosquittoSub(t, port, "$SYS/broker/connection/box.cloud/state");
  await watch.until((text) => text.includes(`/state ${state}\n`), `state ${state}`);
  watch.signal("SIGTERM");
}

test("messages pass both ways at every QoS, under their names on either side, once", async (t) => {
  const remote = await startMosquitto(t);
  const site = await startSite(t, remote.port, { topics: [topic("#", "both", 2, "L/", "R/")] });
  await remoteState(t, remote.port, "1");
  const there = await mosquittoSub(t, remote.port, "#", "-q", "2", "-F", "%t %p q%q");
  const here = await mosquittoSub(t, site.port, "#", "-q", "2", "-F", "%t %p q%q");
  for (const qos of ["0", "1", "2"]) {
    await mosquittoPub(t, site.port, "-t", `L/up/${qos}`, "-m", "x", "-q", qos);
    await mosquittoPub(t, remote.port, "-t", `R/down/${qos}`, "-m", "y", "-q", qos);
  }
  await mosquittoPub(t, site.port, "-t", "L/end", "-m", "e", "-q", "2");
  await mosquittoPub(t, remote.port, "-t", "R/end", "-m", "f", "-q", "2");
  const up = [0, 1, 2].map((qos) => `up/${qos} x q${qos}`);
  const down = [0, 1, 2].map((qos) => `down/${qos} y q${qos}`);
  const named = (prefix: string) =>
    [...up, ...down, "end e q2", "end f q2"].map((line) => prefix + line).sort();
  assert.deepEqual((await gather(there, 8)).sort(), named("R/"));
  assert.deepEqual((await gather(here, 8)).sort(), named("L/"));
});

test("shared both ways without the mark, Mosquitto sends back what it got, and it is not doubled", async (t) => {
  const remote = await startMosquitto(t);
  const site = await startSite(t, remote.port, {
    topics: [topic("both/#", "both", 1), topic("end", "in", 1)],
    tryPrivate: false,
  });
  await remoteState(t, remote.port, "1");
  const here = await mosquittoSub(t, site.port, "#", "-q", "1");
  for (let count = 0; count < 20; count++) {
    await mosquittoPub(t, site.port, "-t", "both/a", "-m", `${count % 3}`, "-q", "1");
  }
  await mosquittoPub(t, remote.port, "-t", "both/a", "-m", "from there", "-q", "1");
  await mosquittoPub(t, remote.port, "-t", "end", "-m", "e", "-q", "1");
  await here.until((text) => text.includes("end e"), "the last message");
  const got = messages(here).filter((line) => line.startsWith("both/"));
  assert.equal(got.length, 21);
  assert.equal(got.at(-1), "both/a from there");
});

test("an outage loses nothing at QoS 1 and 2, and the state topics tell of it", async (t) => {
  const first = await startMosquitto(t);
  const site = await startSite(t, first.port, { topics: [topic("up/#", "out", 2)] });
  await remoteState(t, first.port, "1");
  const state = await mosquittoSub(t, site.port, "$SYS/broker/connection/#");
  await mosquittoPub(t, site.port, "-t", "up/a", "-m", "before", "-q", "1");
  first.signal("SIGKILL");
  await first.end();
  await state.until((text) => text.includes("/state 0"), "state 0 here");
  for (let index = 0; index < 50; index++) {
    await mosquittoPub(t, site.port, "-t", "up/a", "-m", `${index}`, "-q", String(1 + (index % 2)));
  }
  assert.match(
    site.log.lines.join("\n"),
    /cloud: 127\.0\.0\.1:\d+: connection refused, next try in 0\.2 s/,
  );
  // Whoever subscribes there first must be in time for what the bridge brings.
  const second = await startMosquitto(t, { port: await freePort() });
  const there = await mosquittoSub(t, second.port, "up/#", "-q", "2");
  await forward(t, first.port, second.port);
  const got = await gather(there, 50);
  // Mosquitto hands on a QoS 2 message with its PUBREL, so each QoS keeps its own order only.
  for (const parity of [0, 1]) {
    const sent = Array.from({ length: 25 }, (_, index) => `up/a ${index * 2 + parity}`);
    assert.deepEqual(
      got.filter((line) => Number(line.slice(5)) % 2 === parity),
      sent,
    );
  }
  await remoteState(t, second.port, "1");
});

/** Passes connections to one port on to another; answers how to cut them all without a word. */
async function forward(t: TestContext, from: number, to: number): Promise<() => void> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const other = connect(to, "127.0.0.1");
    for (const end of [socket, other]) {
      open.add(end);
      end.on("error", () => {});
    }
    socket.pipe(other).pipe(socket);
  });
  const cut = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  await new Promise<void>((resolve) => server.listen(from, "127.0.0.1", resolve));
  t.after(cut);
  return cut;
}

test("messages for here wait at Mosquitto while the bridge is away", async (t) => {
  const remote = await startMosquitto(t);
  const site = await startSite(t, remote.port, { topics: [topic("down/#", "in", 2)] });
  await remoteState(t, remote.port, "1");
  const here = await mosquittoSub(t, site.port, "down/#", "-q", "2");
  site.bridge.stop();
  await remoteState(t, remote.port, "0");
  for (const qos of ["1", "2"]) {
    await mosquittoPub(t, remote.port, "-t", `down/${qos}`, "-m", "waited", "-q", qos);
  }
  site.bridge.start();
  assert.deepEqual(await gather(here, 2), ["down/1 waited", "down/2 waited"]);
});

test("retained messages go over as retained, both ways, to a bridge that Mosquitto knows as one", async (t) => {
  const remote = await startMosquitto(t);
  await mosquittoPub(t, remote.port, "-t", "down/old", "-m", "there", "-r");
  const site = await startSite(t, remote.port, {
    topics: [topic("up/#", "out", 1), topic("down/#", "in", 1)],
  });
  await mosquittoPub(t, site.port, "-t", "up/state", "-m", "here", "-r", "-q", "1");
  await remoteState(t, remote.port, "1");
  const live = await mosquittoSub(t, site.port, "down/new");
  await mosquittoPub(t, remote.port, "-t", "down/new", "-m", "later", "-r", "-q", "1");
  await gather(live, 1);
  const here = await mosquittoSub(t, site.port, "down/#", "-F", "%t %p r%r");
  assert.deepEqual((await gather(here, 2)).sort(), ["down/new later r1", "down/old there r1"]);
  const there = await mosquittoSub(t, remote.port, "up/#", "-F", "%t %p r%r");
  assert.deepEqual(await gather(there, 1), ["up/state here r1"]);
});

test("when the bridge is cut off without a word, both brokers tell", async (t) => {
  const remote = await startMosquitto(t);
  const front = await freePort();
  const cut = await forward(t, front, remote.port);
  const site = await startSite(t, front, { restartBase: 60_000, restartCap: 60_000 });
  const there = await mosquittoSub(t, remote.port, "$SYS/broker/connection/#");
  const here = await mosquittoSub(t, site.port, "$SYS/broker/connection/#");
  for (const watch of [there, here]) await watch.until((text) => text.includes("/state 1"), "1");
  cut();
  for (const watch of [there, here]) await watch.until((text) => text.includes("/state 0"), "0");
});

test("a host name that does not resolve is a failure like others: told, logged, retried", async (t) => {
  const site = await startSite(t, 0, { addresses: [{ host: "no.such.host.invalid", port: 1883 }] });
  const watch = await mosquittoSub(t, site.port, "$SYS/broker/connection/#");
  await watch.until((text) => text.includes("/state 0"), "state 0");
  while (site.log.lines.filter((line) => /no\.such\.host\.invalid:1883: /.test(line)).length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.match(
    site.log.lines.join("\n"),
    /warn: cloud: no\.such\.host\.invalid:1883: (unknown host name|the name server did not answer|the host name has no address), next try/,
  );
});

test("a second address takes over, and the first is returned to", async (t) => {
  const main = await freePort();
  const standIn = await startMosquitto(t);
  const site = await startSite(t, main, {
    addresses: [
      { host: "127.0.0.1", port: main },
      { host: "127.0.0.1", port: standIn.port },
    ],
    topics: [topic("up", "out", 1)],
  });
  await remoteState(t, standIn.port, "1");
  const first = await startMosquitto(t, { port: main });
  await remoteState(t, first.port, "1");
  await remoteState(t, standIn.port, "0");
  const there = await mosquittoSub(t, first.port, "up");
  await mosquittoPub(t, site.port, "-t", "up", "-m", "x", "-q", "1");
  assert.deepEqual(await gather(there, 1), ["up x"]);
});

test("a thousand messages go through in order, acknowledged end to end", async (t) => {
  const remote = await startMosquitto(t, { more: "max_queued_messages 0" });
  const site = await startSite(t, remote.port, { topics: [topic("up", "out", 1)] });
  await remoteState(t, remote.port, "1");
  const there = await mosquittoSub(t, remote.port, "up", "-q", "1");
  const lines = Array.from({ length: 1000 }, (_, index) => `${index}`);
  const words = ["-p", String(site.port), "-h", "127.0.0.1", "-t", "up", "-l", "-q", "1"];
  const result = await runToEnd(t, "mosquitto_pub", words, lines.join("\n"));
  assert.equal(result.code, 0, result.errors);
  assert.deepEqual(
    await gather(there, 1000),
    lines.map((line) => `up ${line}`),
  );
  assert.equal(site.bridge.backlog, 0);
});
