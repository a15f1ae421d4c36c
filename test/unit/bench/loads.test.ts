/** What the load generator sends: the packets, the schedule, the subscriptions, the users. */
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { describe, it } from "node:test";
import { CASES, findCase, matchingCase, matchingName } from "../../../scripts/bench-tools/cases.ts";
import { PUBLISHER, passwordLine } from "../../../scripts/bench-tools/logins.ts";
import { mosquittoConf } from "../../../scripts/bench-tools/mosquitto-conf.ts";
import {
  aliasTemplates,
  connectPacket,
  type PublishTemplate,
  publishTemplate,
} from "../../../scripts/bench-tools/mqtt-packets.ts";
import { Schedule } from "../../../scripts/bench-tools/schedule.ts";
import { writeU16 } from "../../../scripts/bench-tools/stamp.ts";
import {
  numbers,
  subscriptionFilter,
  subscriptionTopic,
} from "../../../scripts/bench-tools/subscription-set.ts";
import { parsePasswordRecord } from "../../../src/auth/password-records.ts";
import { PacketStream } from "../../../src/mqtt/packet-stream.ts";
import { filterMatches, hasWildcard, isTopicFilter } from "../../../src/topics/names.ts";

const login = { username: "somebody", password: "secret" };

/** What a broker reads of these bytes after a CONNECT of the protocol. */
function read(protocol: 4 | 5, ...packets: readonly Uint8Array[]) {
  const stream = new PacketStream({ maximumPacketSize: 1000, role: "server" });
  const connect = connectPacket({
    protocol,
    clientId: "one",
    cleanStart: protocol === 4,
    keepAlive: 0,
    login,
    topicAliases: 7,
  });
  const found: unknown[] = [];
  for (const bytes of [connect, ...packets]) {
    assert.equal(
      stream.feed(bytes, (packet) => found.push(packet)),
      undefined,
    );
  }
  return found;
}

/** As the publisher sends it. */
function sent({ bytes, packetIdAt }: PublishTemplate): Uint8Array {
  const copy = bytes.slice();
  writeU16(copy, packetIdAt, 0x1234);
  return copy;
}

describe("the load generator's packets", () => {
  for (const protocol of [4, 5] as const) {
    it(`log in and publish as protocol ${protocol} has it`, () => {
      const template = publishTemplate("a/b", { protocol, qos: 1, payload: 20 });
      const [connect, publish] = read(protocol, sent(template)) as [
        { level: number; username: string; properties?: object },
        { topic: string; packetId: number; payload: Uint8Array },
      ];
      assert.equal(connect.level, protocol);
      assert.equal(connect.username, "somebody");
      assert.equal(publish.topic, "a/b");
      assert.equal(publish.packetId, 0x1234);
      assert.deepEqual(publish.payload, template.bytes.subarray(template.stampAt));
      assert.equal(publish.payload.length, 20);
    });
  }

  it("give 5.0 a receive maximum beyond any window, and what was asked for", () => {
    const [connect] = read(5) as [{ properties: Record<string, number> }];
    const { receiveMaximum = 0, sessionExpiryInterval, topicAliasMaximum } = connect.properties;
    for (const { each, heard } of CASES) assert.ok(receiveMaximum > each * heard);
    assert.equal(sessionExpiryInterval, 3600);
    assert.equal(topicAliasMaximum, 7);
  });

  it("name the topic once where an alias stands for it", () => {
    const templates = aliasTemplates("a/b", { protocol: 5, qos: 1, payload: 20 });
    const packets = read(5, ...templates.map(sent)).slice(1) as {
      topic: string;
      packetId: number;
      properties: { topicAlias: number };
    }[];
    assert.deepEqual(
      packets.map(({ topic, packetId, properties }) => [topic, packetId, properties.topicAlias]),
      [
        ["a/b", 0x1234, 1],
        ["", 0x1234, 1],
      ],
    );
  });
});

describe("the schedule of an open loop", () => {
  it("has the publishers take turns, evenly", () => {
    const schedule = new Schedule(1000, 4);
    assert.deepEqual(
      [0, 1, 2, 3].map((publisher) => schedule.due(publisher, 0)),
      [0, 1000, 2000, 3000],
    );
    assert.equal(schedule.due(0, 1), 4000);
    assert.equal(schedule.due(3, 250), 1_003_000);
  });
});

describe("the subscriptions that a publish is matched against", () => {
  it("have wildcards in a tenth, and match their own topic only", () => {
    const filters = numbers(300).map(subscriptionFilter);
    assert.equal(filters.filter(hasWildcard).length, 30);
    assert.ok(filters.every((filter) => isTopicFilter(filter, 200)));
    for (const number of numbers(300)) {
      const topic = subscriptionTopic(number);
      const matching = filters.flatMap((filter, index) =>
        filterMatches(filter, topic) ? [index] : [],
      );
      assert.deepEqual(matching, [number]);
    }
  });

  for (const [subscriptions, topics] of [
    [100, 100],
    [10_000, 100],
    [1000, 1000],
  ] as const) {
    it(`bring each of ${topics} topics among ${subscriptions} to the publisher's own pair`, () => {
      const loadCase = matchingCase(subscriptions, topics);
      let all = 0;
      let published = 0;
      let wild = 0;
      for (const pair of numbers(loadCase.publishers)) {
        const filters = loadCase.filters(pair);
        const own = new Set(filters);
        all += filters.length;
        for (const topic of loadCase.topics(pair)) {
          published++;
          const number = Number(topic.split("/")[4]);
          assert.ok(own.has(subscriptionFilter(number)));
          if (hasWildcard(subscriptionFilter(number))) wild++;
        }
      }
      assert.deepEqual([all, published, wild], [subscriptions, topics, topics / 10]);
    });
  }

  it("are found by name, as the other cases are", () => {
    assert.equal(findCase(matchingName(100, 10)).filters(0).length, 10);
    assert.equal(findCase("fan-in").publishers, 50);
    assert.throws(() => findCase("fan"), /there is no case "fan"/);
  });
});

describe("what the brokers are started with", () => {
  it("has passwords hashed as mosquitto_passwd does", () => {
    const [name, hash = ""] = passwordLine(PUBLISHER, new Uint8Array(12)).split(":");
    assert.equal(name, PUBLISHER.username);
    const parsed = parsePasswordRecord(hash);
    assert.ok(parsed.ok && parsed.record.kind === "sha512-pbkdf2");
    const { iterations, salt } = parsed.record;
    const expected = pbkdf2Sync(PUBLISHER.password, salt, iterations, 64, "sha512");
    assert.equal(iterations, 101);
    assert.deepEqual(parsed.record.hash, new Uint8Array(expected));
  });

  it("lets everyone in where there are no rules, and nobody unknown where there are", () => {
    const fields = { port: 1, dataFolder: undefined, user: "me" };
    const open = mosquittoConf({ ...fields, access: undefined });
    assert.match(open, /^allow_anonymous true$/m);
    assert.doesNotMatch(open, /password_file|persistence/);
    const access = { passwordFile: "/p", aclFile: "/a" };
    const closed = mosquittoConf({ ...fields, access, dataFolder: "/d" });
    assert.match(closed, /^allow_anonymous false$/m);
    assert.match(closed, /^password_file \/p$/m);
    assert.match(closed, /^acl_file \/a$/m);
    assert.match(closed, /^persistence_location \/d\/$/m);
  });
});
