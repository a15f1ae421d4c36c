/** MQTT 5.0 on the real program, with Mosquitto's clients and mqtt.js. */
import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import { type TestContext, test } from "node:test";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { IPubackPacket } from "mqtt-packet";
import {
  mosquittoPub,
  mosquittoSub,
  type Program,
  type RunningMidge,
  runToEnd,
  startMidge,
} from "../kit/processes.ts";

const V5 = ["-V", "mqttv5"] as const;

/** What comes with an event of mqtt.js, whose own types `once` does not take. */
function event(client: MqttClient, name: string): Promise<unknown[]> {
  return once(client as unknown as EventEmitter, name);
}

/** mqtt.js as a client of MQTT 5.0 that has connected; it does not come back by itself. */
async function connect(
  t: TestContext,
  { mqttPort }: RunningMidge,
  options: IClientOptions = {},
): Promise<MqttClient & { connack: mqtt.IConnackPacket }> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${mqttPort}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...options,
  });
  client.on("error", () => {});
  t.after(() => client.endAsync(true));
  const [connack] = (await event(client, "connect")) as [mqtt.IConnackPacket];
  return Object.assign(client, { connack });
}

/** The next PUBLISH that a client gets. */
async function next(client: MqttClient): Promise<mqtt.IPublishPacket> {
  const [, , packet] = (await event(client, "message")) as [string, Buffer, mqtt.IPublishPacket];
  return packet;
}

function lines(program: Program): string[] {
  return program.lines.filter((line) => !/^(Client |Subscribed )/.test(line));
}

test("mosquitto_pub's properties reach mosquitto_sub, in order", async (t) => {
  const { mqttPort } = await startMidge(t);
  const format = ["-F", "%t %q %r %C %R %D %F %E %P %p"];
  const sub = await mosquittoSub(t, mqttPort, "t/#", "-q", "2", ...V5, ...format);
  const words = (name: string, ...values: string[]) => ["-D", "publish", name, ...values];
  await mosquittoPub(
    t,
    mqttPort,
    ...V5,
    ...["-t", "t/1", "-m", "x", "-q", "2"],
    ...words("content-type", "text/plain"),
    ...words("response-topic", "answers"),
    ...words("correlation-data", "42"),
    ...words("payload-format-indicator", "1"),
    ...words("message-expiry-interval", "100"),
    ...words("user-property", "b", "1"),
    ...words("user-property", "a", "2"),
    ...words("user-property", "b", "3"),
  );
  await sub.until((text) => text.includes("t/1 2"), "the message");
  assert.deepEqual(lines(sub), ["t/1 2 0 text/plain answers 42 1 100 b:1 a:2 b:3 x"]);
});

test("mosquitto_pub with a topic alias, and mosquitto_sub with identifiers and options", async (t) => {
  const { mqttPort } = await startMidge(t);
  await mosquittoPub(t, mqttPort, ...V5, "-t", "t", "-m", "old", "-r", "-q", "1");
  const words = ["-D", "subscribe", "subscription-identifier", "77", "--retain-as-published"];
  const sub = await mosquittoSub(t, mqttPort, "t", ...V5, ...words, "-F", "%t %r %S %p");
  await mosquittoPub(
    t,
    mqttPort,
    ...V5,
    ...["-t", "t", "-r", "-m", "new", "-D", "publish", "topic-alias", "10"],
  );
  await sub.until((text) => text.includes("new"), "the message");
  assert.deepEqual(lines(sub), ["t 1 77 old", "t 1 77 new"]);
});

test("a session of mosquitto_sub -x waits for it, and ends in time", async (t) => {
  const midge = await startMidge(t);
  const { mqttPort } = midge;
  const base = ["-h", "127.0.0.1", "-p", `${mqttPort}`, "-t", "t", "-q", "1", "-i", "keeper", "-c"];
  const subscribe = (expiry: string) =>
    runToEnd(t, "mosquitto_sub", [...base, ...V5, "-x", expiry, "-E"]);
  assert.equal((await subscribe("60")).code, 0);
  await mosquittoPub(t, mqttPort, ...V5, "-t", "t", "-m", "kept", "-q", "1");
  const again = await runToEnd(t, "mosquitto_sub", [...base, ...V5, "-x", "1", "-C", "1"]);
  assert.equal(again.output, "kept\n");
  await midge.until(
    (text) => text.includes("Expiring client keeper due to timeout."),
    "the expiry",
  );
});

test("mosquitto_sub's shared subscriptions share", async (t) => {
  const { mqttPort } = await startMidge(t);
  const subs = await Promise.all(
    [1, 2, 3].map(() => mosquittoSub(t, mqttPort, "$share/g/t/#", ...V5, "-F", "%p", "-q", "1")),
  );
  const messages = Array.from({ length: 9 }, (_, n) => `${n}`);
  for (const message of messages) {
    await mosquittoPub(t, mqttPort, ...V5, "-t", `t/${message}`, "-m", message, "-q", "1");
  }
  await Promise.all(subs.map((sub) => sub.until(() => lines(sub).length === 3, "a third of all")));
  assert.deepEqual(subs.flatMap(lines).sort(), messages);
});

test("the will of a mosquitto_sub that is killed comes after its delay, and not if it comes back", async (t) => {
  const { mqttPort } = await startMidge(t);
  const watcher = await mosquittoSub(t, mqttPort, "will/#", ...V5, "-F", "%t %C %p");
  const start = (id: string, delay: string) =>
    mosquittoSub(
      t,
      mqttPort,
      "other",
      ...V5,
      ...["-i", id, "-c", "-x", "60", "--will-topic", `will/${id}`, "--will-payload", "gone"],
      ...["-D", "will", "will-delay-interval", delay, "-D", "will", "content-type", "text"],
    );
  const quick = await start("quick", "1");
  const slow = await start("slow", "5");
  quick.signal("SIGKILL");
  slow.signal("SIGKILL");
  await slow.ended;
  await start("slow", "5");
  await watcher.until((text) => text.includes("will/quick text"), "the will");
  const third = await start("third", "6");
  third.signal("SIGKILL");
  await watcher.until((text) => text.includes("will/third text"), "a later will");
  assert.deepEqual(lines(watcher), ["will/quick text gone", "will/third text gone"]);
});

test("mosquitto_rr gets its answer from mqtt.js", async (t) => {
  const midge = await startMidge(t);
  const responder = await connect(t, midge);
  await responder.subscribeAsync("ask", { qos: 1 });
  responder.on("message", (_topic, payload, { properties }) => {
    const { responseTopic = "", correlationData } = properties ?? {};
    responder.publish(responseTopic, `re: ${payload}`, {
      qos: 1,
      properties: correlationData === undefined ? {} : { correlationData },
    });
  });
  const words = ["-t", "ask", "-e", "answer", "-m", "how", "-q", "1", "-W", "10"];
  const base = ["-h", "127.0.0.1", "-p", `${midge.mqttPort}`, ...V5];
  const result = await runToEnd(t, "mosquitto_rr", [...base, ...words]);
  assert.deepEqual([result.code, result.output], [0, "re: how\n"]);
});

test("mqtt.js learns the limits, its identifier, and why its publishes are refused", async (t) => {
  const midge = await startMidge(t);
  const { connack } = await connect(t, midge, { clientId: "", clean: true });
  const { properties = {} } = connack;
  assert.equal(properties.topicAliasMaximum, 10);
  assert.equal(properties.receiveMaximum, 20);
  assert.equal(properties.maximumPacketSize, 2_000_000);
  assert.match(`${properties.assignedClientIdentifier}`, /^auto-[0-9a-f]{32}$/);
  const client = await connect(t, midge);
  for (const retain of [false, true]) {
    const answer = event(client, "packetreceive");
    await client.publishAsync("nobody", "x", { qos: 1, retain });
    const [puback] = (await answer) as [IPubackPacket];
    assert.equal(puback.reasonCode, 0x10);
  }
  await assert.rejects(client.publishAsync("$SYS/broker/uptime", "x", { qos: 1 }), /authorized/i);
});

test("mqtt.js with topic aliases both ways, properties and all QoS", async (t) => {
  const midge = await startMidge(t);
  const properties = { topicAliasMaximum: 5, receiveMaximum: 2 };
  const to = await connect(t, midge, { properties });
  const from = await connect(t, midge, { autoAssignTopicAlias: true, autoUseTopicAlias: true });
  await to.subscribeAsync("t/#", { qos: 2, properties: { subscriptionIdentifier: 9 } });
  const seen: string[] = [];
  const done = new Promise<void>((resolve) => {
    to.on("message", (topic, payload, packet) => {
      const { subscriptionIdentifier, userProperties } = packet.properties ?? {};
      seen.push(`${topic} ${payload} ${packet.qos} ${subscriptionIdentifier} ${userProperties?.k}`);
      if (seen.length === 30) resolve();
    });
  });
  for (let n = 0; n < 30; n++) {
    const qos = (n % 3) as 0 | 1 | 2;
    await from.publishAsync(`t/${n % 7}`, `${n}`, {
      qos,
      properties: { userProperties: { k: `v${n}` } },
    });
  }
  await done;
  const expected = Array.from({ length: 30 }, (_, n) => `t/${n % 7} ${n} ${n % 3} 9 v${n}`);
  assert.deepEqual(seen.sort(), expected.sort());
});

test("mqtt.js's subscription options: no local, retain as published, retain handling, failures", async (t) => {
  const midge = await startMidge(t);
  const client = await connect(t, midge);
  const other = await connect(t, midge);
  await other.publishAsync("t", "retained", { qos: 1, retain: true });
  const grants = await client.subscribeAsync({ t: { qos: 1, nl: true, rap: true, rh: 2 } });
  assert.equal(grants[0]?.qos, 1);
  await client.publishAsync("t", "own", { qos: 1 });
  const message = next(client);
  await other.publishAsync("t", "foreign", { qos: 1, retain: true });
  const { payload, retain } = await message;
  assert.deepEqual([`${payload}`, retain], ["foreign", true]);
  const unsuback = await client.unsubscribeAsync(["t", "never"]);
  assert.deepEqual((unsuback as { granted?: number[] }).granted, [0, 0x11]);
});

test("mqtt.js's session is taken over with reason 0x8E, and resumed", async (t) => {
  const midge = await startMidge(t);
  const options = { clientId: "one", clean: false, properties: { sessionExpiryInterval: 60 } };
  const first = await connect(t, midge, options);
  await first.subscribeAsync("t", { qos: 1 });
  const farewell = event(first, "disconnect") as Promise<[mqtt.IDisconnectPacket]>;
  const second = await connect(t, midge, options);
  const [{ reasonCode }] = await farewell;
  assert.equal(reasonCode, 0x8e);
  assert.equal(second.connack.sessionPresent, true);
  const message = next(second);
  await (await connect(t, midge)).publishAsync("t", "x", { qos: 1 });
  assert.equal(`${(await message).payload}`, "x");
});

test("mqtt.js ends a kept session by DISCONNECT with expiry 0", async (t) => {
  const midge = await startMidge(t);
  const options = { clientId: "one", clean: false, properties: { sessionExpiryInterval: 60 } };
  const first = await connect(t, midge, options);
  await first.endAsync(false, { reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
  const second = await connect(t, midge, options);
  assert.equal(second.connack.sessionPresent, false);
  await second.endAsync();
  const third = await connect(t, midge, options);
  assert.equal(third.connack.sessionPresent, true);
});
