/**
 * Midge is killed again and again under load: everything that was acknowledged is there afterwards, and
 * QoS 2 comes once. MIDGE_KILLS=N kills N times instead of 6.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import mqtt, { type MqttClient } from "mqtt";
import { type RunningMidge, startMidge } from "../kit/processes.ts";

const KILLS = Number(process.env.MIDGE_KILLS ?? 6);
/** Messages that each publisher has on their way at a time. */
const WINDOW = 20;
/** How long a life lasts at least and at most, ms. */
const SHORTEST = 100;
const LONGEST = 700;
const PATIENCE = 20_000;

const MORE = "grace = 20\n[broker]\nmax_queued_messages = 0\nmax_queued_bytes = 0\n";
const KEPT = { sessionExpiryInterval: 86_400 };

function connect(gateway: RunningMidge, clientId: string): Promise<MqttClient> {
  return mqtt.connectAsync(
    `mqtt://127.0.0.1:${gateway.mqttPort}`,
    {
      protocolVersion: 5,
      clientId,
      clean: false,
      properties: KEPT,
      reconnectPeriod: 50,
      connectTimeout: 5000,
    },
    false,
  );
}

/** Publishes numbers on its topic as fast as they are acknowledged, and notes which were. */
class Publisher {
  readonly acknowledged = new Set<number>();
  readonly #client: MqttClient;
  readonly #topic: string;
  readonly #qos: 1 | 2;
  #next = 0;
  #isOver = false;
  #open = 0;

  constructor(client: MqttClient, topic: string, qos: 1 | 2) {
    this.#client = client;
    this.#topic = topic;
    this.#qos = qos;
  }

  start(): void {
    const sent = new Set<string>();
    this.#client.on("packetsend", (packet) => {
      if (packet.cmd !== "publish") return;
      // mqtt.js leaves DUP out where it sends again, which makes another message of it [MQTT-3.3.1-1].
      const payload = packet.payload.toString();
      packet.dup = sent.has(payload);
      sent.add(payload);
    });
    for (let n = 0; n < WINDOW; n++) this.#publish();
  }

  /** Publishes nothing more; resolves when all is acknowledged. */
  async finish(): Promise<number> {
    this.#isOver = true;
    const deadline = Date.now() + PATIENCE;
    while (this.#open > 0) {
      assert.ok(Date.now() < deadline, `${this.#open} are not acknowledged`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#next;
  }

  #publish(): void {
    if (this.#isOver) return;
    const n = this.#next++;
    this.#open++;
    this.#client.publish(this.#topic, String(n), { qos: this.#qos }, (error) => {
      this.#open--;
      if (error == null) this.acknowledged.add(n);
      setTimeout(() => this.#publish(), 1);
    });
  }
}

/** What a subscriber got: how often each number of each topic. */
class Ledger {
  readonly #got = new Map<string, Map<number, number>>();
  #total = 0;

  constructor(client: MqttClient) {
    client.on("message", (topic, payload) => {
      const counts = this.#got.get(topic) ?? new Map<number, number>();
      const n = Number(payload.toString());
      counts.set(n, (counts.get(n) ?? 0) + 1);
      this.#got.set(topic, counts);
      this.#total++;
    });
  }

  of(topic: string): ReadonlyMap<number, number> {
    return this.#got.get(topic) ?? new Map();
  }

  /** Waits until nothing more comes. */
  async quiet(): Promise<void> {
    for (let before = -1; before !== this.#total; ) {
      before = this.#total;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

function check(who: string, qos: number, sent: Publisher, got: ReadonlyMap<number, number>): void {
  const missing = [...sent.acknowledged].filter((n) => !got.has(n));
  assert.deepEqual(missing, [], `${who} lacks messages of QoS ${qos} that were acknowledged`);
  if (qos < 2) return;
  const twice = [...got].filter(([, count]) => count > 1).map(([n]) => n);
  assert.deepEqual(twice, [], `${who} got messages of QoS 2 more than once`);
}

test(`what was acknowledged survives ${KILLS} SIGKILLs under load, and QoS 2 comes once`, async (t) => {
  let gateway = await startMidge(t, { more: MORE });
  const clients: MqttClient[] = [];
  t.after(() => {
    for (const client of clients) client.end(true);
  });
  const dial = async (clientId: string): Promise<MqttClient> => {
    const client = await connect(gateway, clientId);
    client.on("error", () => {});
    clients.push(client);
    return client;
  };
  const away = await dial("away");
  await away.subscribeAsync("load/#", { qos: 2 });
  await away.endAsync();
  const here = await dial("here");
  const hereGot = new Ledger(here);
  await here.subscribeAsync("load/#", { qos: 2 });
  const one = new Publisher(await dial("one"), "load/one", 1);
  const two = new Publisher(await dial("two"), "load/two", 2);
  one.start();
  two.start();
  for (let kill = 0; kill < KILLS; kill++) {
    const life = SHORTEST + ((kill * 7919) % (LONGEST - SHORTEST));
    await new Promise((resolve) => setTimeout(resolve, life));
    gateway.signal("SIGKILL");
    await gateway.end();
    gateway = await startMidge(t, { like: gateway, more: MORE });
    assert.doesNotMatch(gateway.output, /store:.*(damaged|cannot)/);
  }
  const published = [await one.finish(), await two.finish()];
  assert.ok(one.acknowledged.size > KILLS && two.acknowledged.size > KILLS, `${published}`);
  await hereGot.quiet();
  const back = mqtt.connect(`mqtt://127.0.0.1:${gateway.mqttPort}`, {
    protocolVersion: 5,
    clientId: "away",
    clean: false,
    properties: KEPT,
    manualConnect: true,
  });
  clients.push(back);
  const awayGot = new Ledger(back);
  back.connect();
  await awayGot.quiet();
  for (const [who, got] of [
    ["who was here", hereGot],
    ["who was away", awayGot],
  ] as const) {
    check(who, 1, one, got.of("load/one"));
    check(who, 2, two, got.of("load/two"));
  }
});
