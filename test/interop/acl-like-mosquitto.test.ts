/** ACL files beside Mosquitto: files made at random give the same rights here and there. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import mqtt, { type MqttClient } from "mqtt";
import { parseAclFile } from "../../src/auth/acl-rules.ts";
import { TopicRules } from "../../src/auth/topic-rules.ts";
import { seededRandom } from "../../src/time/seeded-random.ts";
import { startMosquitto, temporaryFolder } from "../kit/processes.ts";

const USERS = ["ann", "bob", undefined];
const LEVELS = ["a", "b", "ann", "id-ann", "id-none"];
const TOPICS = [
  ...LEVELS,
  ...LEVELS.flatMap((one) => LEVELS.map((other) => `${one}/${other}`)),
  "a/b/c",
  "a/ann/x",
  "b/id-bob/x",
  "/a",
  "a/",
  "$x/a",
  "$x",
];

function clientIdOf(username: string | undefined): string {
  return `id-${username ?? "none"}`;
}

/** A file with users, topics and patterns in no order. */
function randomFile(random: () => number): string {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const lines: string[] = [];
  for (let count = 0; count < 14; count++) {
    if (random() < 0.25) {
      lines.push(`user ${pick(["ann", "bob"])}`);
      continue;
    }
    const kind = pick(["topic", "topic", "pattern"]);
    const access = pick(["", "read ", "write ", "readwrite ", "deny "]);
    const levels = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
      pick(kind === "pattern" ? ["a", "b", "+", "%c", "%u"] : ["a", "b", "ann", "+", "$x"]),
    );
    const open = random() < 0.3 ? ["#"] : [];
    lines.push(`${kind} ${access}${[...levels, ...open].join("/")}`);
  }
  // Two who see and say everything, to look on.
  return `${lines.join("\n")}\nuser watcher\ntopic #\ntopic $x/#\n`;
}

/** What Mosquitto lets a user write and read of all topics, each as a list of topics. */
async function observe(
  t: TestContext,
  port: number,
  username: string | undefined,
): Promise<{ writes: string[]; reads: string[] }> {
  const connect = (name: string | undefined): Promise<MqttClient> =>
    mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      clientId: clientIdOf(name),
      ...(name === undefined ? {} : { username: name, password: "x" }),
    });
  const watcher = await connect("watcher");
  const client = await connect(username);
  t.after(() => Promise.all([watcher.endAsync(true), client.endAsync(true)]));
  const collect = async (from: MqttClient, to: MqttClient, end: string): Promise<string[]> => {
    const seen: string[] = [];
    await to.subscribeAsync(["#", "$x/#", end]);
    const done = new Promise<void>((resolve) => {
      to.on("message", (topic) => {
        if (topic === end) resolve();
        else seen.push(topic);
      });
    });
    for (const topic of TOPICS) await from.publishAsync(topic, "x", { qos: 1 });
    await watcher.publishAsync(end, "x", { qos: 1 });
    await done;
    await to.unsubscribeAsync(["#", "$x/#", end]);
    return seen;
  };
  const writes = await collect(client, watcher, "end");
  const reads = await collect(watcher, client, "end");
  await Promise.all([watcher.endAsync(), client.endAsync()]);
  return { writes: writes.sort(), reads: reads.sort() };
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`an ACL file made at random gives the same rights as in Mosquitto (seed ${seed})`, async (t) => {
    const random = seededRandom(seed);
    const ends = USERS.map(
      (user) => `${user === undefined ? "" : `user ${user}\n`}topic read end\n`,
    );
    const text = `${ends[2]}${ends[0]}${ends[1]}${randomFile(random)}`;
    const file = join(temporaryFolder(t), "acl");
    writeFileSync(file, text);
    const { port } = await startMosquitto(t, { more: `user root\nacl_file ${file}` });
    const { rules, problems } = parseAclFile(file, text);
    assert.deepEqual(problems, []);
    for (const username of USERS) {
      const { writes, reads } = await observe(t, port, username);
      const identity = { username, clientId: clientIdOf(username) };
      const allowed = (wanted: "read" | "write"): string[] => {
        const decided = new TopicRules(rules.rulesOf(identity, wanted));
        return TOPICS.filter((topic) => decided.decide(topic) === true).sort();
      };
      assert.deepEqual(allowed("write"), writes, `what ${username} writes, by\n${text}`);
      assert.deepEqual(allowed("read"), reads, `what ${username} reads, by\n${text}`);
    }
  });
}
