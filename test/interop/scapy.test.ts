/**
 * MQTT-SN frames as scapy's codec makes and sees them, field by field: every message both ways, and a
 * conversation with a real Midge in which scapy is the nodes.
 */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { decodeMessage } from "../../src/mqttsn/decode.ts";
import { encodeMessage } from "../../src/mqttsn/encode.ts";
import type { SnMessage } from "../../src/mqttsn/packets.ts";
import { freeUdpPort } from "../kit/ports.ts";
import { mosquittoPub, mosquittoSub, startMidge } from "../kit/processes.ts";
import { type Layer, Scapy, type ScapyNode } from "../kit/scapy.ts";

const NO_FLAGS = { dup: 0, qos: 0, retain: 0, will: 0, cleansess: 0, tid_type: 0 };

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

function encoded(message: SnMessage): Uint8Array {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return writer.copy();
}

const LONG = "x".repeat(300);

/** A message, how long it is, and the layer that scapy has for it. */
const MESSAGES: readonly (readonly [SnMessage, len: number, Layer])[] = [
  [
    { kind: "advertise", gatewayId: 7, duration: 900 },
    5,
    ["MQTTSNAdvertise", { gw_id: 7, duration: 900 }],
  ],
  [{ kind: "searchgw", radius: 3 }, 3, ["MQTTSNSearchGW", { radius: 3 }]],
  [
    { kind: "gwinfo", gatewayId: 7, gatewayAddress: bytes("\x01\x02") },
    5,
    ["MQTTSNGwInfo", { gw_id: 7, gw_addr: "\x01\x02" }],
  ],
  [
    {
      kind: "connect",
      clientId: "node",
      cleanSession: true,
      will: true,
      duration: 300,
      protocolId: 1,
    },
    10,
    [
      "MQTTSNConnect",
      { ...NO_FLAGS, will: 1, cleansess: 1, prot_id: 1, duration: 300, client_id: "node" },
    ],
  ],
  [{ kind: "connack", returnCode: 1 }, 3, ["MQTTSNConnack", { return_code: 1 }]],
  [{ kind: "willtopicreq" }, 2, ["MQTTSNWillTopicReq", {}]],
  [
    { kind: "willtopic", topic: "will", qos: 2, retain: true },
    7,
    ["MQTTSNWillTopic", { ...NO_FLAGS, qos: 2, retain: 1, will_topic: "will" }],
  ],
  [{ kind: "willmsgreq" }, 2, ["MQTTSNWillMsgReq", {}]],
  [{ kind: "willmsg", payload: bytes("gone") }, 6, ["MQTTSNWillMsg", { will_msg: "gone" }]],
  [
    { kind: "register", topicId: 1, messageId: 515, topicName: "a/b" },
    9,
    ["MQTTSNRegister", { tid: 1, mid: 515, topic_name: "a/b" }],
  ],
  [
    { kind: "regack", topicId: 1, messageId: 515, returnCode: 3 },
    7,
    ["MQTTSNRegack", { tid: 1, mid: 515, return_code: 3 }],
  ],
  [
    {
      kind: "publish",
      dup: true,
      qos: 1,
      retain: true,
      topicIdType: "normal",
      topicId: 258,
      messageId: 2,
      payload: bytes("\x00\xff"),
    },
    9,
    [
      "MQTTSNPublish",
      { ...NO_FLAGS, dup: 1, qos: 1, retain: 1, tid: 258, mid: 2, data: "\x00\xff" },
    ],
  ],
  [
    {
      kind: "publish",
      dup: false,
      qos: -1,
      retain: false,
      topicIdType: "predefined",
      topicId: 5,
      messageId: 0,
      payload: bytes(LONG),
    },
    309,
    ["MQTTSNPublish", { ...NO_FLAGS, qos: 3, tid_type: 1, tid: 5, mid: 0, data: LONG }],
  ],
  [
    { kind: "puback", topicId: 1, messageId: 2, returnCode: 2 },
    7,
    ["MQTTSNPuback", { tid: 1, mid: 2, return_code: 2 }],
  ],
  [{ kind: "pubrec", messageId: 2 }, 4, ["MQTTSNPubrec", { mid: 2 }]],
  [{ kind: "pubrel", messageId: 2 }, 4, ["MQTTSNPubrel", { mid: 2 }]],
  [{ kind: "pubcomp", messageId: 2 }, 4, ["MQTTSNPubcomp", { mid: 2 }]],
  [
    {
      kind: "subscribe",
      dup: true,
      qos: 2,
      messageId: 9,
      topic: { type: "name", name: "a/#" },
    },
    8,
    ["MQTTSNSubscribe", { ...NO_FLAGS, dup: 1, qos: 2, mid: 9, topic_name: "a/#" }],
  ],
  [
    {
      kind: "subscribe",
      dup: false,
      qos: 0,
      messageId: 9,
      topic: { type: "predefined", topicId: 5 },
    },
    7,
    ["MQTTSNSubscribe", { ...NO_FLAGS, tid_type: 1, mid: 9, tid: 5 }],
  ],
  [
    { kind: "suback", qos: 2, topicId: 1, messageId: 9, returnCode: 0 },
    8,
    ["MQTTSNSuback", { ...NO_FLAGS, qos: 2, tid: 1, mid: 9, return_code: 0 }],
  ],
  [
    { kind: "unsubscribe", messageId: 9, topic: { type: "short", name: "ab" } },
    7,
    ["MQTTSNUnsubscribe", { ...NO_FLAGS, tid_type: 2, mid: 9, short_topic: "ab" }],
  ],
  [{ kind: "unsuback", messageId: 9 }, 4, ["MQTTSNUnsuback", { mid: 9 }]],
  [{ kind: "pingreq", clientId: "node" }, 6, ["MQTTSNPingReq", { client_id: "node" }]],
  [{ kind: "pingresp" }, 2, ["MQTTSNPingResp", {}]],
  [{ kind: "disconnect", duration: 600 }, 4, ["MQTTSNDisconnect", { duration: 600 }]],
  [
    { kind: "willtopicupd", topic: "will", qos: 1, retain: false },
    7,
    ["MQTTSNWillTopicUpd", { ...NO_FLAGS, qos: 1, will_topic: "will" }],
  ],
  [{ kind: "willtopicresp", returnCode: 3 }, 3, ["MQTTSNWillTopicResp", { return_code: 3 }]],
  [{ kind: "willmsgupd", payload: bytes(LONG) }, 304, ["MQTTSNWillMsgUpd", { will_msg: LONG }]],
  [{ kind: "willmsgresp", returnCode: 0 }, 3, ["MQTTSNWillMsgResp", { return_code: 0 }]],
];

describe("frames, beside scapy's codec", () => {
  it("Midge's messages are what scapy sees in them, and scapy's frames are the same octets", async (t) => {
    const scapy = new Scapy(t);
    for (const [message, len, [name, fields]] of MESSAGES) {
      const frame = encoded(message);
      const [header, seen] = await scapy.dissect(frame);
      assert.deepEqual(header, ["MQTTSN", { len, type: frame[len > 255 ? 3 : 1] }]);
      // Of a message that is a header alone scapy shows that much.
      if (len > 2) assert.deepEqual(seen, [name, fields], message.kind);
      const built = await scapy.build(["MQTTSN", {}], [name, fields]);
      assert.deepEqual(built, frame, message.kind);
      assert.deepEqual(decodeMessage(built), message);
    }
  });

  it("what has no fields, and an empty will, are a header alone", async (t) => {
    const scapy = new Scapy(t);
    const bare: readonly (readonly [SnMessage, type: number])[] = [
      [{ kind: "willtopic", topic: undefined, qos: 0, retain: false }, 0x07],
      [{ kind: "willtopicupd", topic: undefined, qos: 0, retain: false }, 0x1a],
      [{ kind: "pingreq", clientId: undefined }, 0x16],
      [{ kind: "disconnect", duration: undefined }, 0x18],
    ];
    for (const [message, type] of bare) {
      const frame = encoded(message);
      assert.deepEqual((await scapy.dissect(frame))[0], ["MQTTSN", { len: 2, type }]);
      assert.deepEqual(await scapy.build(["MQTTSN", { len: 2, type }]), frame);
      assert.deepEqual(decodeMessage(frame), message);
    }
  });

  it("a forwarder's frame holds the other", async (t) => {
    const scapy = new Scapy(t);
    const inner = encoded({ kind: "pingreq", clientId: "node" });
    const frame = encoded({
      kind: "encapsulated",
      radius: 2,
      wirelessNodeId: bytes("\x0a\x1b"),
      message: inner,
    });
    const layers: readonly Layer[] = [
      ["MQTTSN", { len: 5, type: 0xfe }],
      ["MQTTSNEncaps", { resvd: 0, radius: 2, w_node_id: "\x0a\x1b" }],
      ["MQTTSN", { len: 6, type: 0x16 }],
      ["MQTTSNPingReq", { client_id: "node" }],
    ];
    assert.deepEqual(await scapy.dissect(frame), layers);
    assert.deepEqual(await scapy.build(...layers), frame);
  });
});

async function stand(t: TestContext) {
  const port = await freeUdpPort();
  const midge = await startMidge(t, {
    more: `[[link]]
name = "scapy"
port = ${port}
retry_interval = 1
[gateway]
id = 9
advertise_interval = 1
[[predefined_topic]]
id = 5
name = "pre/defined"`,
  });
  return { midge, scapy: new Scapy(t, port) };
}

/** The layer within the header, or the header where there is none. */
async function next(node: ScapyNode): Promise<Layer> {
  const [header, inner] = await node.receive();
  return inner ?? (header as Layer);
}

async function hears(node: ScapyNode, ...layer: Layer): Promise<void> {
  assert.deepEqual(await next(node), layer);
}

function bare(type: number): Layer {
  return ["MQTTSN", { len: 2, type }];
}

const DISCONNECT = bare(0x18);

async function connect(node: ScapyNode, clientId: string, duration = 60): Promise<void> {
  node.send("MQTTSNConnect", { cleansess: 1, duration, client_id: clientId });
  await hears(node, "MQTTSNConnack", { return_code: 0 });
}

describe("scapy's nodes at a real Midge", () => {
  it("a will is asked for, kept up to date, and published", async (t) => {
    const { midge, scapy } = await stand(t);
    const seen = await mosquittoSub(t, midge.mqttPort, "wills/#");
    const node = scapy.node(1);
    node.send("MQTTSNConnect", { will: 1, cleansess: 1, duration: 1, client_id: "w" });
    await hears(node, ...bare(0x06));
    node.send("MQTTSNWillTopic", { qos: 1, will_topic: "wills/old" });
    await hears(node, ...bare(0x08));
    node.send("MQTTSNWillMsg", { will_msg: "old" });
    await hears(node, "MQTTSNConnack", { return_code: 0 });
    node.send("MQTTSNWillTopicUpd", { qos: 1, will_topic: "wills/new" });
    await hears(node, "MQTTSNWillTopicResp", { return_code: 0 });
    node.send("MQTTSNWillMsgUpd", { will_msg: LONG });
    await hears(node, "MQTTSNWillMsgResp", { return_code: 0 });
    // Its keep alive is over: it is asked whether it is there, answers once, and then no more.
    await hears(node, ...bare(0x16));
    node.send("MQTTSNPingResp");
    await seen.until((text) => text.includes(`wills/new ${LONG}`), "the will");
    assert.ok(!seen.output.includes("wills/old"));
  });

  it("publishes by registered, predefined and short topics at every QoS", async (t) => {
    const { midge, scapy } = await stand(t);
    const seen = await mosquittoSub(t, midge.mqttPort, "#", "-q", "2");
    const node = scapy.node(1);
    await connect(node, "up");
    node.send("MQTTSNRegister", { mid: 1, topic_name: "a/b" });
    const [, regack] = await next(node);
    const tid = regack.tid as number;
    assert.deepEqual(regack, { tid, mid: 1, return_code: 0 });
    node.send("MQTTSNPublish", { qos: 0, tid, data: "zero" });
    node.send("MQTTSNPublish", { qos: 1, tid_type: 1, tid: 5, mid: 2, data: LONG });
    await hears(node, "MQTTSNPuback", { tid: 5, mid: 2, return_code: 0 });
    node.send("MQTTSNPublish", { qos: 2, tid_type: 2, tid: 0x6162, mid: 3, data: "two" });
    await hears(node, "MQTTSNPubrec", { mid: 3 });
    node.send("MQTTSNPubrel", { mid: 3 });
    await hears(node, "MQTTSNPubcomp", { mid: 3 });
    node.send("MQTTSNPublish", { qos: 1, tid: 999, mid: 4, data: "x" });
    await hears(node, "MQTTSNPuback", { tid: 999, mid: 4, return_code: 2 });
    // A subscriber has a message of QoS 2 only once it was released to it.
    await seen.until((text) => text.includes("ab two"), "QoS 2");
    scapy.node(2).send("MQTTSNPublish", { qos: 3, tid_type: 1, tid: 5, data: "minus one" });
    await seen.until((text) => text.includes("pre/defined minus one"), "QoS -1");
    const messages = seen.lines.filter((line) => /^(a\/b|pre\/defined|ab) /.test(line));
    assert.deepEqual(messages, [
      "a/b zero",
      `pre/defined ${LONG}`,
      "ab two",
      "pre/defined minus one",
    ]);
    node.send("MQTTSNPingReq");
    await hears(node, ...bare(0x17));
    node.send("MQTTSNDisconnect", {}, { len: 2 });
    await hears(node, ...DISCONNECT);
  });

  it("is given messages by registered, predefined and short topics, at every QoS", async (t) => {
    const { midge, scapy } = await stand(t);
    const publish = (...words: string[]) => mosquittoPub(t, midge.mqttPort, ...words);
    const node = scapy.node(1);
    await connect(node, "down");
    node.send("MQTTSNSubscribe", { qos: 1, mid: 1, topic_name: "n" });
    const [, suback] = await next(node);
    const tid = suback.tid as number;
    assert.deepEqual(suback, { ...NO_FLAGS, qos: 1, tid, mid: 1, return_code: 0 });
    node.send("MQTTSNSubscribe", { qos: 0, tid_type: 1, mid: 2, tid: 5 });
    await hears(node, "MQTTSNSuback", { ...NO_FLAGS, tid: 5, mid: 2, return_code: 0 });
    node.send("MQTTSNSubscribe", { qos: 2, tid_type: 2, mid: 3, short_topic: "ab" });
    const [, short] = await next(node);
    assert.deepEqual([short.qos, short.mid, short.return_code], [2, 3, 0]);
    node.send("MQTTSNSubscribe", { qos: 1, mid: 4, topic_name: "wild/#" });
    await hears(node, "MQTTSNSuback", { ...NO_FLAGS, qos: 1, tid: 0, mid: 4, return_code: 0 });

    await publish("-t", "n", "-m", LONG, "-q", "1");
    const [, one] = await next(node);
    assert.deepEqual(one, { ...NO_FLAGS, qos: 1, tid, mid: one.mid, data: LONG });
    node.send("MQTTSNPuback", { tid, mid: one.mid });
    await publish("-t", "pre/defined", "-m", "zero");
    const zero = { ...NO_FLAGS, tid_type: 1, tid: 5, mid: 0, data: "zero" };
    await hears(node, "MQTTSNPublish", zero);
    await publish("-t", "ab", "-m", "two", "-q", "2");
    const [, two] = await next(node);
    const { mid } = two;
    assert.deepEqual(two, { ...NO_FLAGS, qos: 2, tid_type: 2, tid: 0x6162, mid, data: "two" });
    node.send("MQTTSNPubrec", { mid });
    await hears(node, "MQTTSNPubrel", { mid });
    node.send("MQTTSNPubcomp", { mid });
    await publish("-t", "wild/x", "-m", "new", "-q", "1");
    const [name, register] = await next(node);
    assert.deepEqual([name, register.topic_name], ["MQTTSNRegister", "wild/x"]);
    node.send("MQTTSNRegack", { tid: register.tid, mid: register.mid });
    const [, wild] = await next(node);
    assert.deepEqual([wild.tid, wild.data], [register.tid, "new"]);
    node.send("MQTTSNPuback", { tid: wild.tid, mid: wild.mid });
    node.send("MQTTSNUnsubscribe", { mid: 5, topic_name: "n" });
    await hears(node, "MQTTSNUnsuback", { mid: 5 });
  });

  it("sleeps, and wakes for what was buffered, PINGRESP last", async (t) => {
    const { midge, scapy } = await stand(t);
    const node = scapy.node(1);
    await connect(node, "sleeper");
    node.send("MQTTSNSubscribe", { qos: 1, tid_type: 1, mid: 1, tid: 5 });
    assert.equal((await next(node))[0], "MQTTSNSuback");
    node.send("MQTTSNDisconnect", { duration: 300 });
    await hears(node, ...DISCONNECT);
    await mosquittoPub(t, midge.mqttPort, "-t", "pre/defined", "-m", "kept", "-q", "1");
    node.send("MQTTSNPingReq", { client_id: "sleeper" });
    const [, publish] = await next(node);
    assert.deepEqual([publish.tid_type, publish.tid, publish.data], [1, 5, "kept"]);
    node.send("MQTTSNPuback", { tid: 5, mid: publish.mid });
    await hears(node, ...bare(0x17));
  });

  it("searches for the gateway, and is answered behind a forwarder too", async (t) => {
    const { scapy } = await stand(t);
    const node = scapy.node(1);
    node.send("MQTTSNAdvertise", { gw_id: 3, duration: 900 });
    node.send("MQTTSNGwInfo", { gw_id: 4 });
    node.send("MQTTSNSearchGW", { radius: 1 });
    await hears(node, "MQTTSNGwInfo", { gw_id: 9 });
    const forwarder = scapy.node(2);
    forwarder.sendLayers(
      ["MQTTSN", {}],
      ["MQTTSNEncaps", { w_node_id: "\x0a\x1b\x2c" }],
      ["MQTTSN", {}],
      ["MQTTSNConnect", { cleansess: 1, duration: 60, client_id: "behind" }],
    );
    const header = { len: 6, type: 0xfe };
    const encaps = { resvd: 0, radius: 0, w_node_id: "\x0a\x1b\x2c" };
    assert.deepEqual(await forwarder.receive(), [
      ["MQTTSN", header],
      ["MQTTSNEncaps", encaps],
      ["MQTTSN", { len: 3, type: 0x05 }],
      ["MQTTSNConnack", { return_code: 0 }],
    ]);
    // T_ADV is a second here; behind a forwarder ADVERTISE is for everybody.
    assert.deepEqual(await forwarder.receive(), [
      ["MQTTSN", { len: 3, type: 0xfe }],
      ["MQTTSNEncaps", { ...encaps, w_node_id: "" }],
      ["MQTTSN", { len: 5, type: 0x00 }],
      ["MQTTSNAdvertise", { gw_id: 9, duration: 1 }],
    ]);
  });
});
