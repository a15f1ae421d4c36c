/** Bridges whose ends are killed without warning under load, and brokers that are bridged in a ring. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { connectAsync, type MqttClient as MqttJsClient } from "mqtt";
import { MemorySession } from "../../src/mqtt-client/memory-session.ts";
import { MqttClient } from "../../src/mqtt-client/mqtt-client.ts";
import type { Wire } from "../../src/seams/wire.ts";
import { FlushTurn } from "../../src/sockets/flush-turn.ts";
import { RealTime } from "../../src/system/real-time.ts";
import { BridgeDialler } from "../../src/uplink/bridge-dialler.ts";
import { mosquittoSub, type RunningMidge, startMidge, startMosquitto } from "../kit/processes.ts";

const EACH = 200;
const KILLS = 4;

/** A client that comes back by itself, and repeats what was not acknowledged. */
async function client(t: TestContext, port: number, clientId: string): Promise<MqttJsClient> {
  const url = `mqtt://127.0.0.1:${port}`;
  const found = await connectAsync(url, { clientId, clean: false, reconnectPeriod: 30 });
  found.on("error", () => {});
  t.after(() => found.end(true));
  return found;
}

/**
 * Publishes numbered messages of QoS 1 and 2 side by side, and repeats over new connections what was
 * not acknowledged; resolves when all is.
 */
async function publishAll(t: TestContext, port: number): Promise<void> {
  const time = new RealTime();
  const dialler = new BridgeDialler({ turn: new FlushTurn() });
  const done = Promise.withResolvers<void>();
  let left = EACH * 2;
  const session = new MemorySession({
    connected: () => {},
    message: () => true,
    published: () => {
      left--;
      if (left === 0) done.resolve();
    },
    closed: () => again(),
  });
  const again = (): void => {
    if (left > 0) setTimeout(dial, 30);
  };
  const dial = (): void => {
    const accept = (wire: Wire): MqttClient => {
      const options = {
        level: 4,
        clientId: "publisher",
        cleanSession: false,
        keepAlive: 0,
      } as const;
      const { scheduler } = time;
      const client = new MqttClient({ wire, owner: session, clock: time, scheduler, options });
      session.attach(client);
      client.start();
      return client;
    };
    dialler.dial({ host: "127.0.0.1", port }, accept, again);
  };
  time.start();
  t.after(() => time.stop());
  dial();
  for (let number = 1; number <= EACH; number++) {
    const payload = new TextEncoder().encode(`${number}`);
    for (const qos of [1, 2] as const) session.publish(`up/q${qos}`, payload, qos, false);
    await new Promise((resolve) => setTimeout(resolve, 8));
  }
  await done.promise;
}

/** What came, by QoS, is complete and in order; at QoS 2 it came once. */
function check(got: ReadonlyMap<string, readonly number[]>): void {
  const all = Array.from({ length: EACH }, (_, index) => index + 1);
  assert.deepEqual([...new Set(got.get("up/q1"))], all, "QoS 1, repetitions aside");
  assert.deepEqual(got.get("up/q2"), all, "QoS 2");
}

async function until(test: () => boolean, what: string): Promise<void> {
  for (let waits = 0; !test(); waits++) {
    if (waits > 600) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const BRIDGE = (port: number, extra: string): string => `
[[bridge]]
name = "cloud"
address = "127.0.0.1:${port}"
restart_timeout = 1
restart_timeout_cap = 1
${extra}
[[bridge.topic]]
pattern = "up/#"
qos = 2
`;

for (const protocol of ["mqttv311", "mqttv50"]) {
  test(`${protocol}: a Midge that is killed again and again loses nothing on its way to Mosquitto`, async (t) => {
    const remote = await startMosquitto(t, { more: "max_queued_messages 0" });
    const there = await mosquittoSub(t, remote.port, "up/#", "-q", "2");
    const more = BRIDGE(remote.port, `protocol = "${protocol}"`);
    let site: RunningMidge = await startMidge(t, { more });
    const publishing = publishAll(t, site.mqttPort);
    for (let kills = 0; kills < KILLS; kills++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      site.signal("SIGKILL");
      await site.end();
      site = await startMidge(t, { more, like: site });
    }
    await publishing;
    const got = (): Map<string, number[]> => {
      const found = new Map<string, number[]>();
      for (const line of there.lines.filter((one) => one.startsWith("up/q"))) {
        const [topic = "", number] = line.split(" ");
        found.set(topic, [...(found.get(topic) ?? []), Number(number)]);
      }
      return found;
    };
    const complete = (qos: number) => new Set(got().get(`up/q${qos}`)).size === EACH;
    await until(() => complete(1) && complete(2), "all messages");
    check(got());
  });

  test(`${protocol}: a remote broker that is killed again and again loses nothing that it took`, async (t) => {
    let remote: RunningMidge = await startMidge(t);
    const got = new Map<string, number[]>();
    const subscriber = await client(t, remote.mqttPort, "subscriber");
    subscriber.on("message", (topic, payload) => {
      got.set(topic, [...(got.get(topic) ?? []), Number(payload.toString())]);
    });
    await subscriber.subscribeAsync("up/#", { qos: 2 });
    const more = BRIDGE(remote.mqttPort, `protocol = "${protocol}"`);
    const site = await startMidge(t, { more });
    const publishing = publishAll(t, site.mqttPort);
    for (let kills = 0; kills < KILLS; kills++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      remote.signal("SIGKILL");
      await remote.end();
      remote = await startMidge(t, { like: remote });
    }
    await publishing;
    const complete = (qos: number) => new Set(got.get(`up/q${qos}`)).size === EACH;
    await until(() => complete(1) && complete(2), "all messages");
    check(got);
  });
}

const BOTH = (name: string, port: number, extra = ""): string => `
[[bridge]]
name = "${name}"
address = "127.0.0.1:${port}"
client_id = "${name}"
restart_timeout = 1
restart_timeout_cap = 1
${extra}
[[bridge.topic]]
pattern = "ring/#"
direction = "both"
qos = 1
`;

/** What the subscribers have got when nothing more comes. */
async function settled(lines: () => number): Promise<number> {
  let before = -1;
  for (let rounds = 0; rounds < 20; rounds++) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const now = lines();
    if (now === before) return now;
    before = now;
  }
  throw new Error(`messages go round: ${before} by now`);
}

const ringLines = (program: { readonly lines: readonly string[] }): number =>
  program.lines.filter((line) => line.startsWith("ring/")).length;

test("two Midges that share a topic both ways hand each message over once", async (t) => {
  for (const extra of ["", "try_private = false", 'protocol = "mqttv50"']) {
    const one = await startMidge(t);
    const two = await startMidge(t, { more: BOTH("to-one", one.mqttPort, extra) });
    await two.until((text) => text.includes("to-one: connected to"), "the connection");
    const watches = [
      await mosquittoSub(t, one.mqttPort, "ring/#"),
      await mosquittoSub(t, two.mqttPort, "ring/#"),
    ];
    for (const [index, { mqttPort }] of [one, two].entries()) {
      const publisher = await client(t, mqttPort, `p${index}`);
      for (let number = 0; number < 10; number++) {
        await publisher.publishAsync("ring/a", `${index}/${number}`, { qos: 1 });
      }
    }
    await settled(() => watches.reduce((sum, watch) => sum + ringLines(watch), 0));
    assert.deepEqual(watches.map(ringLines), [20, 20], extra);
  }
});

test("two Midges with a bridge to each other, and a ring of two and a Mosquitto, come to rest", async (t) => {
  const remote = await startMosquitto(t);
  const v5 = 'protocol = "mqttv50"';
  const first = await startMidge(t);
  const second = await startMidge(t, {
    more: BOTH("two-one", first.mqttPort, v5) + BOTH("two-cloud", remote.port, v5),
  });
  first.signal("SIGTERM");
  await first.end();
  const one = await startMidge(t, {
    like: first,
    more: BOTH("one-two", second.mqttPort, v5) + BOTH("one-cloud", remote.port, v5),
  });
  for (const name of ["one-two", "one-cloud"]) {
    await one.until((text) => text.includes(`${name}: connected to`), name);
  }
  await second.until((text) => text.split("two-one: connected to").length > 2, "two-one, again");
  await second.until((text) => text.includes("two-cloud: connected to"), "two-cloud");
  const watches = [
    await mosquittoSub(t, one.mqttPort, "ring/#"),
    await mosquittoSub(t, second.mqttPort, "ring/#"),
    await mosquittoSub(t, remote.port, "ring/#"),
  ];
  for (const [index, port] of [one.mqttPort, second.mqttPort, remote.port].entries()) {
    const publisher = await client(t, port, `p${index}`);
    for (let number = 0; number < 5; number++) {
      await publisher.publishAsync("ring/a", `${index}/${number}`, { qos: 1 });
    }
  }
  await settled(() => watches.reduce((sum, watch) => sum + ringLines(watch), 0));
  for (const watch of watches) {
    const distinct = new Set(watch.lines.filter((line) => line.startsWith("ring/")));
    assert.equal(distinct.size, 15, "everyone gets everything");
    assert.ok(ringLines(watch) <= 15 * 6, `${ringLines(watch)} messages for 15`);
  }
});
