/** Where predefined topic ids come from, and for whom they hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { predefinedCommands } from "../../../src/gateway/predefined-commands.ts";
import { PREDEFINED_TOPICS_DOCUMENT } from "../../../src/gateway/predefined-sources.ts";
import { PredefinedTopics } from "../../../src/gateway/predefined-topics.ts";
import { Stand } from "./stand.ts";

const publishes = { topicIdType: "predefined" } as const;

function command(stand: Stand, name: string, parameters: Record<string, unknown> = {}): unknown {
  const { commands, settled } = predefinedCommands(stand.gateway.predefinedTopics);
  const result = commands.get(name)?.(parameters);
  settled?.(() => {});
  return result;
}

/** The topic that the id stands for to a node. */
function topicOf(stand: Stand, clientId: string, id: number): string | undefined {
  stand.door.published.length = 0;
  stand.at(`at-${clientId}`).publish(id, "x", 0, publishes);
  return stand.door.published[0]?.topic;
}

test("a node's own go before those of patterns, and the pattern that says most before others", () => {
  const topics = new PredefinedTopics([
    { id: 1, name: "all" },
    { id: 1, name: "s", node: "s*" },
    { id: 1, name: "se", node: "se*" },
    { id: 1, name: "one", node: "sensor1" },
    { id: 2, name: "all2", node: "*" },
    { id: 3, name: "se3", node: "se*" },
  ]);
  const names = (clientId: string) => [1, 2, 3].map((id) => topics.nameOf(clientId, id));
  assert.deepEqual(names("sensor1"), ["one", "all2", "se3"]);
  assert.deepEqual(names("sensor2"), ["se", "all2", "se3"]);
  assert.deepEqual(names("sun"), ["s", "all2", undefined]);
  assert.deepEqual(names("x"), ["all", "all2", undefined]);
  assert.deepEqual(names(""), ["all", "all2", undefined]);
  assert.equal(topics.idOf("sensor2", "se"), 1);
  assert.equal(topics.idOf("sensor2", "all"), undefined);
  assert.equal(topics.idOf("x", "all"), 1);
});

test("a name under several ids is sent under the first that nothing hides", () => {
  const topics = new PredefinedTopics([
    { id: 1, name: "t" },
    { id: 2, name: "t" },
    { id: 1, name: "mine", node: "n" },
  ]);
  assert.equal(topics.idOf("m", "t"), 1);
  assert.equal(topics.idOf("n", "t"), 2);
});

test("what a new configuration says holds for nodes at once", () => {
  const stand = new Stand({ predefinedTopics: [{ id: 5, name: "old" }] });
  stand.node("n");
  assert.equal(topicOf(stand, "n", 5), "old");
  stand.gateway.predefinedTopics.configure([
    { id: 5, name: "new" },
    { id: 6, name: "mine", node: "n" },
  ]);
  assert.equal(topicOf(stand, "n", 5), "new");
  assert.equal(topicOf(stand, "n", 6), "mine");
  assert.equal(stand.logged(/^predefined topics: 2 added, 1 taken away$/, "info"), 1);
  const node = stand.at("at-n");
  node.subscribe({ type: "predefined", topicId: 6 });
  stand.door.publish("mine", "x");
  const [publish] = node.take();
  assert.equal(publish?.kind === "publish" && publish.topicIdType, "predefined");
  assert.equal(publish?.kind === "publish" && publish.topicId, 6);
});

test("an unchanged configuration changes nothing, and says nothing", () => {
  const stand = new Stand({ predefinedTopics: [{ id: 5, name: "t" }] });
  stand.gateway.predefinedTopics.configure([{ id: 5, name: "t", node: "" }]);
  assert.equal(stand.logged(/predefined/), 0);
});

test("the operator's are added, listed, kept over a restart, and deleted", () => {
  const before = new Stand({ predefinedTopics: [{ id: 1, name: "c" }] });
  before.node("n");
  assert.deepEqual(command(before, "addPredefinedTopic", { id: 7, name: "o", node: "n*" }), {});
  assert.equal(topicOf(before, "n", 7), "o");
  before.gateway.stop();
  const stand = new Stand({ predefinedTopics: [{ id: 1, name: "c" }] }, before);
  assert.deepEqual(command(stand, "listPredefinedTopics"), {
    data: {
      totalCount: 2,
      topics: [
        { id: 1, name: "c", node: "", source: "configuration", overruled: false },
        { id: 7, name: "o", node: "n*", source: "operator", overruled: false },
      ],
    },
  });
  stand.node("n");
  assert.equal(topicOf(stand, "n", 7), "o");
  assert.deepEqual(command(stand, "deletePredefinedTopic", { id: 7, node: "n*" }), {});
  assert.equal(topicOf(stand, "n", 7), undefined);
  assert.deepEqual(stand.documents.kept.get(PREDEFINED_TOPICS_DOCUMENT), { topics: [] });
});

test("commands cannot change what the configuration defines, nor contradict it", () => {
  const stand = new Stand({
    predefinedTopics: [
      { id: 1, name: "c" },
      { id: 2, name: "p", node: "a*" },
    ],
  });
  const add = (parameters: Record<string, unknown>) =>
    command(stand, "addPredefinedTopic", parameters);
  const byConfiguration = (id: number, name: string) => ({
    error: `topic id ${id} is defined by the configuration already, as "${name}"`,
  });
  assert.deepEqual(add({ id: 1, name: "x" }), byConfiguration(1, "c"));
  assert.deepEqual(add({ id: 1, name: "c", node: "*" }), byConfiguration(1, "c"));
  assert.deepEqual(add({ id: 2, name: "x", node: "*b" }), byConfiguration(2, "p"));
  assert.deepEqual(add({ id: 1, name: "mine", node: "n" }), {});
  assert.deepEqual(command(stand, "deletePredefinedTopic", { id: 1 }), {
    error: "topic id 1 is defined by the configuration: change it there",
  });
  assert.deepEqual(add({ id: 1, name: "other", node: "n" }), {
    error: 'topic id 1 is defined already, as "mine": delete that first',
  });
});

test("commands refuse what makes no sense, in words", () => {
  const stand = new Stand();
  const refusals = [
    [{}, "Invalid/missing id"],
    [{ id: "x", name: "a" }, "Invalid/missing id"],
    [{ id: 1 }, "Invalid/missing name"],
    [{ id: 0, name: "a" }, "expected a topic id from 1 to 65534"],
    [{ id: 65_535, name: "a" }, "expected a topic id from 1 to 65534"],
    [{ id: 1.5, name: "a" }, "Invalid/missing id"],
    [{ id: 1, name: "a/+" }, '"a/+" is no topic name'],
    [{ id: 1, name: "" }, '"" is no topic name'],
    [{ id: 1, name: "a", node: 7 }, "Invalid node"],
    [
      { id: 1, name: "a", node: `${"x".repeat(300)}*` },
      "expected a pattern of at most 256 characters",
    ],
  ] as const;
  for (const [parameters, expected] of refusals) {
    const { error } = command(stand, "addPredefinedTopic", parameters) as { error: string };
    assert.equal(error, expected);
  }
  assert.deepEqual(command(stand, "deletePredefinedTopic", { id: 9 }), {
    error: "topic id 9 is not defined for all nodes",
  });
  assert.deepEqual(command(stand, "deletePredefinedTopic", { node: "n" }), {
    error: "Invalid/missing id",
  });
  assert.equal(stand.documents.saves, 0);
});

test("where a new configuration says otherwise, it goes before the operator's, which stay", () => {
  const stand = new Stand();
  stand.node("n");
  command(stand, "addPredefinedTopic", { id: 3, name: "operator" });
  stand.gateway.predefinedTopics.configure([{ id: 3, name: "configuration" }]);
  assert.equal(topicOf(stand, "n", 3), "configuration");
  assert.equal(stand.logged(/the configuration goes before 1 of the operator's/, "warn"), 1);
  const { data } = command(stand, "listPredefinedTopics") as { data: { topics: unknown[] } };
  assert.deepEqual(data.topics[1], {
    id: 3,
    name: "operator",
    node: "",
    source: "operator",
    overruled: true,
  });
  stand.gateway.predefinedTopics.configure([]);
  assert.equal(topicOf(stand, "n", 3), "operator");
});

test("all changes of one request are written once, and what is listed may be listed in pages", () => {
  const stand = new Stand();
  const { commands, settled } = predefinedCommands(stand.gateway.predefinedTopics);
  for (let id = 1; id <= 5; id++) commands.get("addPredefinedTopic")?.({ ID: `${id}`, name: "t" });
  settled?.(() => {});
  assert.equal(stand.documents.saves, 1);
  const page = commands.get("listPredefinedTopics")?.({ offset: 3, count: 1 });
  const topic = { id: 4, name: "t", node: "", source: "operator", overruled: false };
  assert.deepEqual(page, { data: { totalCount: 5, topics: [topic] } });
});

test("a document that makes no sense is left as it is", () => {
  for (const content of [{ topics: "?" }, { topics: [{ id: 0, name: "x" }] }, [], "x"]) {
    const before = new Stand();
    before.documents.kept.set(PREDEFINED_TOPICS_DOCUMENT, content);
    const stand = new Stand({}, before);
    assert.equal(stand.logged(/predefined-topics/, "error"), 1);
    assert.deepEqual(command(stand, "addPredefinedTopic", { id: 3, name: "o" }), {});
    stand.node("n");
    assert.equal(topicOf(stand, "n", 3), "o", "it holds until the next start");
    assert.deepEqual(before.documents.kept.get(PREDEFINED_TOPICS_DOCUMENT), content);
  }
});
