/**
 * What must be as it was after a SIGKILL, case by case: each gets its last answer, has Midge killed at
 * that moment, and looks. (Wills: stored-wills.test.ts; nodes that were approved: node-admission.test.ts.)
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DurableSite, publishPacket, type DurableSite as Site } from "../kit/durable-site.ts";
import { inShort } from "../kit/server-end.ts";

type Case = readonly [name: string, run: (site: Site) => Promise<void>];

const TOLD = new TextEncoder();

const TO_A_SUBSCRIBER: readonly Case[] = [
  [
    "QoS 1: what is acknowledged waits for a subscriber that is away",
    async (site) => {
      await site.away("one", "one", 1);
      await site.publish("one", "x");
      await site.kill();
      assert.deepEqual(await site.fetch("one", 1), ["one=x q1"]);
    },
  ],
  [
    "QoS 2: what is acknowledged waits for a subscriber that is away",
    async (site) => {
      await site.away("two", "two", 2, { level: 4 });
      await site.publish("two", "x", { qos: 2 });
      await site.kill();
      assert.deepEqual(await site.fetch("two", 1, { level: 4 }), ["two=x q2"]);
    },
  ],
  [
    "a queue keeps its order, in flight and not",
    async (site) => {
      const numbers = Array.from({ length: 40 }, (_, n) => `${n}`);
      const raw = await site.subscriber("queue", { filter: "queue", qos: 1 });
      for (const number of numbers) await site.publish("queue", number);
      assert.ok((await raw.settle()).length > 0);
      await site.kill();
      const got = await site.fetch("queue", 40);
      assert.deepEqual(
        got.map((one) => one.replace(/queue=(\d+) q1( dup)?/, "$1")),
        numbers,
      );
    },
  ],
  [
    "QoS 1 in flight is sent again, with DUP and under its identifier",
    async (site) => {
      const raw = await site.subscriber("flight-1", { filter: "f1", qos: 1 });
      for (const text of ["gone", "held"]) await site.publish("f1", text).catch(() => {});
      const [gone, held] = await raw.settle();
      assert.ok(gone?.kind === "publish" && held?.kind === "publish");
      await site.kill();
      const { raw: back } = await site.peer("flight-1");
      assert.deepEqual((await back.settle()).map(inShort), [
        `publish f1=gone q1 dup #${gone.packetId}`,
        `publish f1=held q1 dup #${held.packetId}`,
      ]);
    },
  ],
  [
    "QoS 2 in flight is sent again, with DUP and under its identifier",
    async (site) => {
      const raw = await site.subscriber("flight-2", { filter: "f2", qos: 2 });
      await site.publish("f2", "x", { qos: 2 });
      const { packetId } = await raw.expect("publish");
      await site.kill();
      const { raw: back } = await site.peer("flight-2");
      assert.deepEqual((await back.settle()).map(inShort), [`publish f2=x q2 dup #${packetId}`]);
    },
  ],
  [
    "QoS 2 that a subscriber has received is released, and not sent again",
    async (site) => {
      const raw = await site.subscriber("received", { filter: "rec", qos: 2 });
      await site.publish("rec", "x", { qos: 2 });
      const { packetId } = await raw.expect("publish");
      raw.send({ kind: "pubrec", packetId });
      await raw.expect("pubrel");
      await site.kill();
      const { raw: back } = await site.peer("received");
      assert.deepEqual((await back.settle()).map(inShort), [`pubrel #${packetId}`]);
      back.send({ kind: "pubcomp", packetId });
      assert.deepEqual(await back.settle(), []);
    },
  ],
  [
    "QoS 2 that is complete does not come again",
    async (site) => {
      const raw = await site.subscriber("complete", { filter: "comp", qos: 2 });
      await site.publish("comp", "x", { qos: 2 });
      const { packetId } = await raw.expect("publish");
      raw.send({ kind: "pubrec", packetId });
      await raw.expect("pubrel");
      raw.send({ kind: "pubcomp", packetId });
      await raw.settle();
      await site.kill();
      assert.deepEqual(await site.fetch("complete", 0), []);
    },
  ],
  [
    "a shared subscription's backlog waits for its members, each message for one",
    async (site) => {
      for (const member of ["s1", "s2"]) await site.away(member, "$share/g/shared", 2);
      const numbers = ["1", "2", "3", "4", "5", "6"];
      for (const number of numbers) await site.publish("shared", number, { qos: 2 });
      await site.kill();
      const got = [...(await site.fetch("s1", 1)), ...(await site.fetch("s2", 1))];
      assert.deepEqual(
        got.sort(),
        numbers.map((number) => `shared=${number} q2`),
      );
    },
  ],
  [
    "QoS 0 that waits, where it is kept, comes before what was acknowledged after it",
    async (site) => {
      await site.away("zero", "zero", 1);
      await site.publish("zero", "a", { qos: 0 });
      await site.publish("zero", "b");
      await site.kill();
      const got = await site.fetch("zero", 1);
      assert.equal(got.at(-1), "zero=b q1");
    },
  ],
];

const FROM_A_PUBLISHER: readonly Case[] = [
  [
    "QoS 2 after PUBREC: its repetition is known as such, and PUBREL completes it",
    async (site) => {
      await site.away("reader-1", "p1", 2);
      const { raw } = await site.peer("writer-1");
      raw.send(publishPacket("p1", "x", { qos: 2 }, 7));
      await raw.expect("pubrec");
      await site.kill();
      const { raw: back, sessionPresent } = await site.peer("writer-1");
      assert.ok(sessionPresent);
      back.send(publishPacket("p1", "x", { qos: 2 }, 7, true));
      await back.expect("pubrec");
      back.send({ kind: "pubrel", packetId: 7 });
      await back.expect("pubcomp");
      assert.deepEqual(await site.fetch("reader-1", 1), ["p1=x q2"]);
    },
  ],
  [
    "QoS 2 after PUBREL, before PUBCOMP: PUBREL is answered, and the message is there once",
    async (site) => {
      await site.away("reader-2", "p2", 2);
      const { raw } = await site.peer("writer-2", { level: 4 });
      raw.send(publishPacket("p2", "x", { qos: 2 }, 7));
      await raw.expect("pubrec");
      raw.send({ kind: "pubrel", packetId: 7 });
      await site.kill();
      const { raw: back } = await site.peer("writer-2", { level: 4 });
      back.send({ kind: "pubrel", packetId: 7 });
      await back.expect("pubcomp");
      assert.deepEqual(await site.fetch("reader-2", 1), ["p2=x q2"]);
    },
  ],
  [
    "QoS 2 after PUBCOMP: its identifier is free for the next message",
    async (site) => {
      await site.away("reader-3", "p3", 2);
      const { raw } = await site.peer("writer-3");
      for (const text of ["before", "after"]) {
        const { raw: now } = text === "before" ? { raw } : await site.peer("writer-3");
        now.send(publishPacket("p3", text, { qos: 2 }, 7));
        await now.expect("pubrec");
        now.send({ kind: "pubrel", packetId: 7 });
        await now.expect("pubcomp");
        if (text === "before") await site.kill();
      }
      assert.deepEqual(await site.fetch("reader-3", 2), ["p3=before q2", "p3=after q2"]);
    },
  ],
];

const RETAINED: readonly Case[] = [
  [
    "retained messages that were set, replaced and cleared",
    async (site) => {
      for (const topic of ["new", "gone"]) {
        await site.publish(`kept/${topic}`, "old", { retain: true });
      }
      await site.kill();
      assert.deepEqual(await site.retained("kept/#"), ["kept/gone=old", "kept/new=old"].map(kept));
      await Promise.all([
        site.publish("kept/set", "x", { retain: true }),
        site.publish("kept/new", "new", { retain: true, qos: 2 }),
        site.publish("kept/gone", "", { retain: true }),
      ]);
      await site.kill();
      assert.deepEqual(await site.retained("kept/#"), ["kept/new=new", "kept/set=x"].map(kept));
    },
  ],
];

function kept(message: string): string {
  return `${message} retain`;
}

const SESSIONS: readonly Case[] = [
  [
    "a subscription that was made in a session that was there, with its options",
    async (site) => {
      await site.away("made", "other", 0);
      const options = { filter: "made", qos: 1 as const, noLocal: true, retainAsPublished: true };
      await site.subscriber("made", options);
      await site.kill();
      const { raw, sessionPresent } = await site.peer("made");
      assert.ok(sessionPresent);
      raw.send(publishPacket("made", "own", { qos: 0 }));
      await site.publish("made", "other's", { retain: true });
      assert.deepEqual((await raw.settle()).map(inShort), ["publish made=other's q1 retain #1"]);
    },
  ],
  [
    "a subscription whose QoS was changed",
    async (site) => {
      await site.away("changed", "changed", 2);
      await site.subscriber("changed", { filter: "changed", qos: 1 });
      await site.kill();
      await site.publish("changed", "x", { qos: 2 });
      assert.deepEqual(await site.fetch("changed", 1), ["changed=x q1"]);
    },
  ],
  [
    "a subscription that was ended",
    async (site) => {
      await site.away("ended", "ended", 1);
      const { raw } = await site.peer("ended");
      raw.send({ kind: "unsubscribe", packetId: 9, filters: ["ended"] });
      await raw.expect("unsuback");
      await site.kill();
      await site.publish("ended", "x");
      assert.deepEqual(await site.fetch("ended", 0), []);
    },
  ],
  [
    "a clean start ends what was there for good",
    async (site) => {
      // CONNACK itself does not wait for the disk, but what follows does, and for all before it.
      const fields = { cleanStart: true };
      for (const level of [4, 5] as const) {
        await site.away(`anew-${level}`, "anew/old", 1, { level });
        await site.publish("anew/old", "before");
      }
      await site.subscriber("anew-5", { filter: "anew/new", qos: 1 }, { level: 5, ...fields });
      await site.subscriber("anew-4", { filter: "anew/new", qos: 1 }, { level: 4, ...fields });
      await site.publish("anew/new", "x");
      await site.kill();
      for (const topic of ["anew/old", "anew/new"]) await site.publish(topic, "after");
      assert.deepEqual(await site.fetch("anew-5", 1), ["anew/new=x q1 dup", "anew/new=after q1"]);
      assert.equal((await site.peer("anew-4", { level: 4 })).sessionPresent, false);
    },
  ],
  [
    "sessions, queued and retained messages go on expiring while Midge is down",
    async (site) => {
      await site.away("mayfly", "life", 1, { expiry: 1 });
      await site.away("tortoise", "life", 1);
      const short = { messageExpiryInterval: 1 };
      const long = { messageExpiryInterval: 500 };
      await site.publish("life", "short", { retain: true, properties: short });
      await site.publish("life", "long", { properties: long });
      await site.publish("life/kept", "long", { retain: true, properties: long });
      await site.kill(1500);
      assert.equal((await site.peer("mayfly")).sessionPresent, false);
      assert.deepEqual(await site.retained("life"), []);
      const { raw } = await site.peer("tortoise");
      const looks = await site.subscriber("looks-5", { filter: "life/kept", qos: 0 });
      for (const one of [raw, looks]) {
        const { payload, properties } = await one.expect("publish");
        assert.equal(new TextDecoder().decode(payload), "long");
        const { messageExpiryInterval: left = 0 } = properties ?? {};
        assert.ok(left < 500 && left > 400, `${left} s are left`);
      }
    },
  ],
];

const BRIDGE: readonly Case[] = [
  [
    "what waits for a bridge's remote broker",
    async (site) => {
      site.remote.close();
      for (const number of ["1", "2", "3"]) await site.publish("out/queue", number);
      await site.kill();
      site.remote.forget();
      await site.remote.open();
      await site.remote.until("publish out/queue=3");
      const got = await site.remote.until("publish out/queue");
      assert.deepEqual(
        got.map((one) => one.replace(/.*=(\d).*/, "$1")),
        ["1", "2", "3"],
      );
    },
  ],
  [
    "what a bridge has under way is sent again, with DUP and under its identifier",
    async (site) => {
      for (const qos of [1, 2] as const) {
        site.remote.mute.add("publish");
        site.remote.forget();
        await site.publish(`out/${qos}`, "x", { qos });
        const [first = ""] = await site.remote.until(`publish out/${qos}=x`);
        await site.kill(() => site.remote.mute.clear());
        await site.remote.until(first.replace(" #", " dup #"));
      }
    },
  ],
  [
    "QoS 2 that a bridge's remote broker has received is released, and not sent again",
    async (site) => {
      const { remote } = site;
      remote.mute.add("pubrel");
      remote.forget();
      await site.publish("out/rec", "x", { qos: 2 });
      const [publish = ""] = await remote.until("publish out/rec=x");
      const packetId = publish.slice(publish.indexOf("#"));
      await remote.until(`pubrel ${packetId}`);
      remote.forget();
      await site.kill(() => remote.mute.clear());
      await remote.until(`pubrel ${packetId}`);
      await site.publish("out/rec", "next", { qos: 2 });
      await remote.until("publish out/rec=next");
      assert.equal((await remote.until("publish out/rec")).length, 1);
    },
  ],
  [
    "QoS 2 that a bridge has taken is known when it is repeated",
    async (site) => {
      const { remote } = site;
      await site.away("inside", "in/#", 2);
      remote.mute.add("pubrec");
      remote.forget();
      remote.send(publishPacket("in/x", "x", { qos: 2 }, 5));
      await remote.until("pubrec #5");
      remote.forget();
      await site.kill(() => remote.mute.clear());
      await remote.until("subscribe");
      remote.send(publishPacket("in/x", "x", { qos: 2 }, 5, true));
      await remote.until("pubcomp #5");
      assert.deepEqual(await site.fetch("inside", 1), ["in/x=x q2"]);
    },
  ],
];

const NODES: readonly Case[] = [
  [
    "what waits for a sleeping node",
    async (site) => {
      const node = site.node("sleeper");
      await node.connect();
      const topicId = await node.subscribe("sleeper/t", 1);
      await node.sleep(600);
      for (const number of ["1", "2"]) await site.publish("sleeper/t", number);
      await site.kill();
      assert.deepEqual(await node.fetch(), [`${topicId}=1`, `${topicId}=2`]);
    },
  ],
  [
    "a node's subscription",
    async (site) => {
      const node = site.node("display");
      await node.connect();
      const topicId = await node.subscribe("display/t", 1);
      await site.kill();
      await node.connect();
      await site.publish("display/t", "x");
      const { payload, ...publish } = await node.expect("publish");
      assert.deepEqual([publish.topicId, new TextDecoder().decode(payload)], [topicId, "x"]);
    },
  ],
  [
    "a topic id that a node was given, whether it connects again or not",
    async (site) => {
      await site.away("reader-4", "node/#", 1);
      const node = site.node("sensor");
      await node.connect();
      const topicId = await node.register("node/value");
      await site.kill();
      const publish = (messageId: number) =>
        node.send({
          kind: "publish",
          dup: false,
          qos: 1,
          retain: false,
          topicIdType: "normal",
          topicId,
          messageId,
          payload: TOLD.encode(`${messageId}`),
        });
      publish(11);
      assert.equal((await node.expect("puback")).returnCode, 0);
      await node.connect();
      publish(12);
      assert.equal((await node.expect("puback")).returnCode, 0);
      assert.deepEqual(await site.fetch("reader-4", 2), ["node/value=11 q1", "node/value=12 q1"]);
    },
  ],
  [
    "QoS 2 of a node after PUBREC: its repetition is known as such",
    async (site) => {
      await site.away("reader-5", "node2/#", 2);
      const node = site.node("sensor-2");
      await node.connect();
      const topicId = await node.register("node2/value");
      const publish = (dup: boolean) =>
        node.send({
          kind: "publish",
          dup,
          qos: 2,
          retain: false,
          topicIdType: "normal",
          topicId,
          messageId: 21,
          payload: TOLD.encode("x"),
        });
      publish(false);
      await node.expect("pubrec");
      await site.kill();
      publish(true);
      await node.expect("pubrec");
      node.send({ kind: "pubrel", messageId: 21 });
      await node.expect("pubcomp");
      assert.deepEqual(await site.fetch("reader-5", 1), ["node2/value=x q2"]);
    },
  ],
  [
    "the will of a node that is lost meanwhile, as it was changed last",
    async (site) => {
      await site.away("reader-6", "wills/#", 1);
      const node = site.node("frail");
      await node.connect(1, { topic: "wills/frail", payload: "first" });
      node.send({ kind: "willmsgupd", payload: TOLD.encode("second") });
      await node.expect("willmsgresp");
      await site.kill();
      const { raw } = await site.peer("reader-6");
      const { topic, payload } = await raw.expect("publish");
      assert.equal(`${topic}=${new TextDecoder().decode(payload)}`, "wills/frail=second");
    },
  ],
];

const SETTINGS: readonly Case[] = [
  [
    "a client that was made by $CONTROL/dynamic-security/v1",
    async (site) => {
      const topic = "$CONTROL/dynamic-security/v1";
      const command = { command: "createClient", username: "ada", password: "x" };
      const answer = await site.control(topic, command, true);
      assert.doesNotMatch(answer, /error/);
      await site.kill();
      const login = { username: "ada", password: TOLD.encode("x"), port: site.guardedPort };
      await site.peer("of-ada", login);
    },
  ],
  [
    "a predefined topic that was added by $CONTROL/gateway/v1",
    async (site) => {
      const command = { command: "addPredefinedTopic", id: 99, name: "pre/defined" };
      const answer = await site.control("$CONTROL/gateway/v1", command);
      assert.doesNotMatch(answer, /error/);
      await site.kill();
      await site.away("reader-7", "pre/#", 1);
      const node = site.node("beacon");
      await node.connect();
      const topicIdType = "predefined" as const;
      const named = { topicIdType, topicId: 99, messageId: 3, payload: TOLD.encode("x") };
      node.send({ kind: "publish", dup: false, qos: 1, retain: false, ...named });
      assert.equal((await node.expect("puback")).returnCode, 0);
      assert.deepEqual(await site.fetch("reader-7", 1), ["pre/defined=x q1"]);
    },
  ],
];

const PARTS = {
  "to a subscriber": TO_A_SUBSCRIBER,
  "from a publisher": FROM_A_PUBLISHER,
  "retained messages": RETAINED,
  sessions: SESSIONS,
  "over a bridge": BRIDGE,
  nodes: NODES,
  settings: SETTINGS,
};

for (const [part, cases] of Object.entries(PARTS)) {
  test(`over a SIGKILL: ${part}`, async (t) => {
    const site = await DurableSite.start(t);
    for (const [name, run] of cases) await t.test(name, () => run(site));
  });
}
