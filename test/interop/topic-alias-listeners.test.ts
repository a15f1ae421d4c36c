/** Each listener has topic aliases of its own: how many clients may use, and how many are used towards them. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import mqtt, { type IPublishPacket } from "mqtt";
import { freePort } from "../kit/ports.ts";
import { midge, temporaryFolder } from "../kit/processes.ts";

async function start(t: TestContext) {
  const folder = temporaryFolder(t);
  const [none, few] = await Promise.all([freePort(), freePort()]);
  const file = join(folder, "mosquitto.conf");
  writeFileSync(
    file,
    `allow_anonymous true
listener ${none} 127.0.0.1
max_topic_alias 0
max_topic_alias_broker 0
listener ${few} 127.0.0.1
max_topic_alias 2
max_topic_alias_broker 1
`,
  );
  const program = midge(t, "-c", file, "-v");
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  return { none: none as number, few: few as number };
}

async function dial(t: TestContext, port: number, topicAliasMaximum = 0) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    properties: { topicAliasMaximum },
  });
  t.after(() => client.end(true));
  client.on("error", () => {});
  const packet = await new Promise<mqtt.IConnackPacket>((resolve) =>
    client.once("connect", resolve),
  );
  return { client, maximum: packet.properties?.topicAliasMaximum };
}

test("what a client may use is what its listener says", async (t) => {
  const { none, few } = await start(t);
  assert.equal((await dial(t, none)).maximum, undefined);
  const { client, maximum } = await dial(t, few);
  assert.equal(maximum, 2);
  await client.publishAsync("a/long/topic", "x", { qos: 1, properties: { topicAlias: 2 } });
});

test("an alias above it ends the connection with 0x94", async (t) => {
  const { few } = await start(t);
  const { client } = await dial(t, few);
  const reason = new Promise((resolve) =>
    client.once("disconnect", (packet) => resolve(packet.reasonCode)),
  );
  // Past the client's own check, which knows the limit, too.
  client.options.properties = {};
  Object.assign(client, { topicAliasSend: undefined });
  client.stream.write(Uint8Array.from([0x30, 8, 0, 1, 0x61, 3, 0x23, 0, 3, 0x78]));
  assert.equal(await reason, 0x94);
});

test("and so it is for what goes to clients", async (t) => {
  const { none, few } = await start(t);
  for (const [port, expected] of [
    [none, [undefined, undefined, undefined, undefined]],
    // The first topic gets the one alias there is; then the alias stands for it.
    [few, ["a 1", "b", "1", "b"]],
  ] as const) {
    const { client } = await dial(t, port, 10);
    const seen: (string | undefined)[] = [];
    const all = new Promise<void>((resolve) => {
      client.on("packetreceive", (packet) => {
        if (packet.cmd !== "publish") return;
        const { topic, properties } = packet as IPublishPacket;
        const alias = properties?.topicAlias;
        const form = [topic, alias].filter((part) => part !== "" && part !== undefined).join(" ");
        seen.push(port === none && alias === undefined ? undefined : form);
        if (seen.length === 4) resolve();
      });
    });
    await client.subscribeAsync("#");
    for (const topic of ["a", "b", "a", "b"]) await client.publishAsync(topic, "x", { qos: 1 });
    await all;
    assert.deepEqual(seen, expected);
  }
});
