/** Who may connect: open, known and pairing admission, and what operators decide. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ReturnCode, type SnMessage } from "../../../src/mqttsn/packets.ts";
import { MemoryDocuments } from "../../kit/memory-documents.ts";
import { command, commands } from "./control.ts";
import { FakeLink, Stand } from "./stand.ts";

/** Of CONNACK. */
function returnCode(answer: SnMessage[]): number | undefined {
  const connack = answer.find((message) => message.kind === "connack");
  return connack?.kind === "connack" ? connack.returnCode : undefined;
}

const { accepted, congestion, notSupported } = ReturnCode;

test("open: everyone may connect", () => {
  const stand = new Stand();
  assert.equal(returnCode(stand.at("a").connect("anyone")), accepted);
});

test("known: only listed nodes, by ClientId or pattern; others are not supported, and told once a minute", () => {
  const stand = new Stand({
    admission: "known",
    knownNodes: [{ clientId: "door" }, { clientId: "sensor-*" }],
  });
  const stranger = stand.at("x");
  assert.equal(returnCode(stand.at("a").connect("door")), accepted);
  assert.equal(returnCode(stand.at("b").connect("sensor-17")), accepted);
  assert.equal(returnCode(stranger.connect("doors")), notSupported);
  assert.equal(returnCode(stranger.connect("Sensor-1")), notSupported);
  assert.equal(stand.logged(/node "doors" is not among the nodes of the configuration/, "warn"), 1);
  assert.equal(stand.logged(/refused/), 1);
  assert.deepEqual([...stand.door.sessions.keys()], ["door", "sensor-17"]);
});

test("known: a listed node bound to a link is not known on another", () => {
  const stand = new Stand({
    admission: "known",
    knownNodes: [{ clientId: "n", link: "serial" }],
  });
  const serial = new FakeLink("serial");
  stand.gateway.attach(serial);
  assert.equal(returnCode(stand.at("a").connect("n")), notSupported);
  assert.equal(returnCode(stand.at("stick", serial).connect("n")), accepted);
  const elsewhere = stand.at("a");
  assert.deepEqual(elsewhere.ping("n"), [{ kind: "disconnect", duration: undefined }]);
  assert.equal(stand.report("n").link, "serial", "PINGREQ does not move it there either");
});

test("each link may have a mode of its own", () => {
  const stand = new Stand({ links: new Map([["serial", { admission: "known" }]]) });
  const serial = new FakeLink("serial");
  stand.gateway.attach(serial);
  assert.equal(returnCode(stand.at("a").connect("n")), accepted);
  assert.equal(returnCode(stand.at("stick", serial).connect("m")), notSupported);
});

test("pairing: an unknown node is answered congestion, and becomes a candidate", () => {
  const stand = new Stand({ admission: "pairing", knownNodes: [{ clientId: "known" }] });
  const first = stand.at("a");
  assert.equal(returnCode(first.connect("n")), congestion);
  stand.pass(30);
  assert.equal(returnCode(stand.at("b").connect("n")), congestion);
  assert.equal(returnCode(stand.at("c").connect("known")), accepted);
  assert.deepEqual(command(stand, { command: "listCandidates" }).data, {
    totalCount: 1,
    candidates: [
      {
        clientid: "n",
        link: "udp",
        address: "b",
        firstSeen: "2026-01-01T00:00:00.000Z",
        lastSeen: "2026-01-01T00:00:30.000Z",
        attempts: 2,
      },
    ],
  });
  assert.equal(stand.logged(/^node "n" at udp\/a wants in and is not approved/), 1);
  assert.equal(stand.door.sessions.has("n"), false);
  stand.pass(10);
  const links = stand.door.announced.get("$SYS/gateway/links/udp") ?? "{}";
  assert.equal(JSON.parse(links).refused, 2);
});

test("pairing: candidates are bounded, the newest stay, and the log is not filled", () => {
  const stand = new Stand({ admission: "pairing" });
  for (let count = 0; count < 1000; count++) stand.at(`a${count}`).connect(`n${count}`);
  const data = command(stand, { command: "listCandidates", count: 1, offset: 1 }).data;
  assert.equal(data?.totalCount, 200);
  const [newest] = (data?.candidates ?? []) as { clientid: string }[];
  assert.equal(newest?.clientid, "n998");
  assert.equal(stand.logged(/wants in/), 10);
});

test("pairing: a ClientId without end is neither listed nor logged in full", () => {
  const stand = new Stand({ admission: "pairing" });
  assert.equal(returnCode(stand.at("a").connect("x".repeat(5000))), congestion);
  assert.equal(command(stand, { command: "listCandidates" }).data?.totalCount, 0);
  const other = new Stand({ admission: "known" });
  other.at("a").connect("x".repeat(5000));
  assert.ok(other.lines.every(({ text }) => text.length < 250));
});

test("pairing: an approved node is let in, also after a restart", () => {
  const documents = new MemoryDocuments();
  const options = { admission: "pairing" } as const;
  const stand = new Stand(options, undefined, undefined, { documents });
  stand.at("a").connect("n", { clean: false });
  assert.deepEqual(command(stand, { command: "approveNode", clientid: "n" }), {
    command: "approveNode",
  });
  assert.equal(returnCode(stand.at("a").connect("n", { clean: false })), accepted);
  assert.equal(command(stand, { command: "listCandidates" }).data?.totalCount, 0);
  stand.gateway.stop();
  const after = new Stand(options, stand, undefined, { documents });
  assert.equal(after.state("n"), "active", "and holds its session again");
  assert.equal(returnCode(after.at("b").connect("n")), accepted);
  assert.equal(returnCode(after.at("c").connect("m")), congestion);
});

test("pairing: an approval may hold for one link only", () => {
  const stand = new Stand({ admission: "pairing" });
  const serial = new FakeLink("serial");
  stand.gateway.attach(serial);
  command(stand, { command: "approveNode", clientid: "n", link: "serial" });
  assert.equal(returnCode(stand.at("a").connect("n")), congestion);
  assert.equal(returnCode(stand.at("stick", serial).connect("n")), accepted);
});

test("pairing: while a window is open whoever connects is approved for good", () => {
  const documents = new MemoryDocuments();
  const stand = new Stand({ admission: "pairing" }, undefined, undefined, { documents });
  const opened = command(stand, { command: "openPairing", seconds: 60 });
  assert.deepEqual(opened.data, { open: true, secondsLeft: 60, paired: 0, candidates: 0 });
  assert.equal(returnCode(stand.at("a").connect("n")), accepted);
  assert.equal(stand.logged(/^node "n" at udp\/a paired$/), 1);
  stand.pass(60);
  assert.equal(stand.logged(/^pairing: closed, 1 nodes paired$/), 1);
  assert.equal(returnCode(stand.at("b").connect("m")), congestion);
  assert.equal(returnCode(stand.at("a").connect("n", { keepAlive: 5 })), accepted);
  assert.deepEqual(documents.kept.get("node-decisions"), {
    nodes: [{ clientId: "n", decision: "approved", link: "", since: stand.clock.wall() - 60_000 }],
  });
});

test("pairing: a window can be for one link, be opened anew, and be closed early", () => {
  const stand = new Stand({ admission: "pairing" });
  command(stand, { command: "openPairing", seconds: 10, link: "serial" });
  assert.equal(returnCode(stand.at("a").connect("n")), congestion);
  command(stand, { command: "openPairing", seconds: 100 });
  stand.pass(50);
  assert.equal(command(stand, { command: "getPairing" }).data?.secondsLeft, 50);
  assert.equal(command(stand, { command: "closePairing" }).error, undefined);
  assert.equal(returnCode(stand.at("a").connect("n")), congestion);
  assert.equal(command(stand, { command: "closePairing" }).error, "Pairing is not open");
  assert.match(command(stand, { command: "openPairing" }).error ?? "", /seconds/);
  assert.match(command(stand, { command: "openPairing", seconds: 1e9 }).error ?? "", /86400/);
});

test("a refused node is kept out in every mode, is no candidate, and has to go at once", () => {
  const stand = new Stand();
  const node = stand.at("a");
  node.connect("n", { clean: false });
  command(stand, { command: "refuseNode", clientid: "n" });
  assert.deepEqual(node.take(), [{ kind: "disconnect", duration: undefined }]);
  assert.equal(stand.state("n"), "disconnected");
  assert.equal(returnCode(node.connect("n")), notSupported);
  assert.equal(stand.logged(/node "n" was refused by an operator/, "warn"), 1);
  command(stand, { command: "forgetNode", clientid: "n" });
  assert.equal(returnCode(node.connect("n")), accepted);
});

test("a refusal holds against an open window, and ends with an approval", () => {
  const stand = new Stand({ admission: "pairing" });
  command(stand, { command: "refuseNode", clientid: "n" });
  command(stand, { command: "openPairing", seconds: 60 });
  assert.equal(returnCode(stand.at("a").connect("n")), notSupported);
  command(stand, { command: "approveNode", clientid: "n" });
  assert.equal(returnCode(stand.at("a").connect("n")), accepted);
});

test("a node whose approval is taken back has to go, its will is published", () => {
  const stand = new Stand({ admission: "pairing" });
  command(stand, { command: "approveNode", clientid: "n" });
  const node = stand.at("a");
  node.connect("n", { will: true });
  node.say({ kind: "willtopic", topic: "gone", qos: 0, retain: false });
  node.say({ kind: "willmsg", payload: new Uint8Array([110]) });
  node.take();
  command(stand, { command: "forgetNode", clientid: "n" });
  assert.equal(node.kinds()[0], "disconnect");
  assert.deepEqual(
    stand.door.wills.map(({ topic }) => topic),
    ["gone"],
  );
  assert.equal(returnCode(node.connect("n")), congestion);
});

test("a node that is not let in any more does not hold its session after a restart", () => {
  const stand = new Stand();
  stand.node("n", { clean: false });
  stand.gateway.stop();
  const after = new Stand({ admission: "known" }, stand);
  assert.equal(after.state("n"), "disconnected");
  assert.equal(after.logged(/^node "n" not restored: it is not let in any more$/, "warn"), 1);
});

test("decisions are bounded: approving says so, and pairing answers congestion", () => {
  const stand = new Stand({ admission: "pairing", maxNodes: 2 });
  const approvals = [..."abc"].map((clientid) => ({ command: "approveNode", clientid }));
  const responses = commands(stand, approvals);
  assert.deepEqual(
    responses.map(({ error }) => error),
    [undefined, undefined, "There are too many decisions on nodes already"],
  );
  command(stand, { command: "openPairing", seconds: 60 });
  assert.equal(returnCode(stand.at("x").connect("c")), congestion);
});

test("what is kept and cannot be understood is not written over", () => {
  const documents = new MemoryDocuments();
  documents.kept.set("node-decisions", { nodes: [{ clientId: "n", decision: "maybe" }] });
  const stand = new Stand({ admission: "pairing" }, undefined, undefined, { documents });
  assert.equal(stand.logged(/the document node-decisions stays as it is/, "error"), 1);
  command(stand, { command: "approveNode", clientid: "m" });
  assert.equal(documents.saves, 0);
  assert.equal(returnCode(stand.at("a").connect("m")), accepted);
});

test("QoS -1 of unconnected senders: by address, range or link where not everyone is let in", () => {
  const stand = new Stand({
    admission: "pairing",
    qosMinusOneFrom: ["10.0.7.0/24", "serial", "fd00::/16"],
  });
  const serial = new FakeLink("serial");
  stand.gateway.attach(serial);
  const send = (key: string, host: string | undefined, link = stand.link) => {
    const sender = stand.at(key, link);
    if (host !== undefined) Object.assign(sender.address, { host });
    sender.publish(0x6162, key, -1, { topicIdType: "short" });
  };
  send("10.0.7.9:1", "10.0.7.9");
  send("10.0.8.9:1", "10.0.8.9");
  send("[fd00:0:1::5]:9", "fd00:0:1::5");
  send("[fe80::5]:9", "fe80::5");
  send("stick", undefined, serial);
  assert.deepEqual(
    stand.door.published.map(({ payload }) => payload),
    ["10.0.7.9:1", "[fd00:0:1::5]:9", "stick"],
  );
  assert.equal(stand.logged(/dropped a PUBLISH of QoS -1 .*: its sender is not let in/, "warn"), 2);
});
