/** Scenario files: what they mean, and how their mistakes are told. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { loadScenario, plainScenario } from "../../../src/cli/simulation/scenario.ts";
import { ConfigError } from "../../../src/config/config-error.ts";
import type { TopicReference } from "../../../src/mqttsn/packets.ts";
import { temporaryFolder } from "../../kit/processes.ts";

function fileWith(t: TestContext, toml: string): string {
  const file = join(temporaryFolder(t), "scenario.toml");
  writeFileSync(file, toml);
  return file;
}

function problemsOf(t: TestContext, toml: string): string[] {
  const file = fileWith(t, toml);
  try {
    loadScenario(file);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ line, key, message }) => `${line} ${key}: ${message}`);
  }
  throw new Error("no problem was found");
}

const NODE = '[[node]]\nclient_id = "a"\ntopic = "t"\npayload = "counter"\n';

function shipped(name: string): string {
  return join(import.meta.dirname, "../../../config", name);
}

function nameOf(topic: TopicReference): string | number {
  return topic.type === "predefined" ? topic.topicId : topic.name;
}

it("the demo is a weather station, a sleeping door sensor and a tank", () => {
  const { nodes: plans } = loadScenario(shipped("demo-scenario.toml"));
  assert.deepEqual(
    plans.map(({ clientId, topic, payload }) => [clientId, nameOf(topic), payload]),
    [
      ["weather-station", "demo/weather", "weather"],
      ["door-sensor", "demo/door", "door"],
      ["water-tank", "demo/tank", "level"],
    ],
  );
  assert.ok(plans.every(({ retain, interval }) => retain && interval < 10));
  assert.ok(Number(plans[1]?.sleep) > 0);
  assert.deepEqual(plans[2]?.subscribe, ["demo/tank/valve/set"]);
});

it("what is not given has its default", (t) => {
  const { nodes, ...others } = loadScenario(fileWith(t, NODE));
  const network = { loss: 0, duplicate: 0, reorder: 0, delay: 0 };
  assert.deepEqual(others, { rampUp: undefined, network });
  assert.deepEqual(nodes, [
    {
      clientId: "a",
      topic: { type: "name", name: "t" },
      payload: "counter",
      split: false,
      qos: 0,
      retain: false,
      interval: 10,
      keepAlive: 60,
      cleanSession: true,
      sleep: 0,
      subscribe: [],
      will: undefined,
      wirelessNodeId: undefined,
      retryInterval: 10,
      retryLimit: 4,
    },
  ]);
});

it("the greenhouse is 2000 nodes, half of them asleep, on bad radio", () => {
  const { nodes, rampUp, network } = loadScenario(shipped("greenhouse-scenario.toml"));
  assert.equal(nodes.length, 2000);
  assert.equal(nodes.filter(({ sleep }) => sleep > 0).length, 1000);
  assert.equal(nodes.filter(({ wirelessNodeId }) => wirelessNodeId !== undefined).length, 200);
  assert.equal(rampUp, 20);
  assert.deepEqual(network, { loss: 0.03, duplicate: 0.01, reorder: 0.01, delay: 15 });
});

it("topics may be predefined or short, for QoS -1 too", (t) => {
  const toml = `[[node]]
client_id = "a"
predefined = 5
qos = -1
payload = "counter"
[[node]]
client_id = "b"
topic = "ab"
short = true
payload = "counter"
`;
  const { nodes } = loadScenario(fileWith(t, toml));
  assert.deepEqual(
    nodes.map(({ topic, qos }) => [topic, qos]),
    [
      [{ type: "predefined", topicId: 5 }, -1],
      [{ type: "short", name: "ab" }, 0],
    ],
  );
});

it("%n is the node's number everywhere", (t) => {
  const toml = `[[node]]
client_id = "n%n"
count = 2
topic = "t/%n/x"
payload = "counter"
subscribe = ["set/%n"]
will = { topic = "w/%n", payload = "gone %n" }
`;
  const second = loadScenario(fileWith(t, toml)).nodes[1];
  assert.equal(second?.clientId, "n2");
  assert.equal(nameOf(second.topic), "t/2/x");
  assert.deepEqual(second.subscribe, ["set/2"]);
  assert.equal(second.will?.topic, "w/2");
  assert.equal(new TextDecoder().decode(second.will?.payload), "gone 2");
});

describe("a mistake is told with its line and key", () => {
  const cases: readonly (readonly [what: string, toml: string, problem: RegExp])[] = [
    ["an empty file", "", /^0 node: is missing; expected at least one section \[\[node\]\]/],
    ["a single section", "[node]\nclient_id = 1\n", /^1 node: expected at least one section/],
    [
      "a missing key",
      '[[node]]\nclient_id = "a"\npayload = "counter"\n',
      /^1 node\[0\]\.topic: is missing, as is predefined/,
    ],
    [
      "a mistyped key",
      `${NODE}intervall = 3\n`,
      /^5 node\[0\]\.intervall: unknown key; did you mean interval\?/,
    ],
    [
      "an unknown key",
      `${NODE}colour = 3\n`,
      /^5 node\[0\]\.colour: unknown key; known here are client_id, /,
    ],
    [
      "an unknown section",
      `${NODE}[gateway]\n`,
      /^5 gateway: unknown key; known here are ramp_up, network, node/,
    ],
    [
      "a payload that is not",
      NODE.replace("counter", "rain"),
      /^4 node\[0\]\.payload: expected "weather", "door", "level" or "counter", got "rain"/,
    ],
    [
      "a wildcard topic",
      NODE.replace('"t"', '"t/#"'),
      /^3 node\[0\]\.topic: expected a topic name without wildcards, got "t\/#"/,
    ],
    [
      "a bad filter",
      `${NODE}subscribe = ["ok", "a/#/b"]\n`,
      /^5 node\[0\]\.subscribe\[1\]: expected a topic filter, got "a\/#\/b"/,
    ],
    ["QoS 3", `${NODE}qos = 3\n`, /^5 node\[0\]\.qos: expected -1, 0, 1 or 2, got 3/],
    ["QoS -1 on a name", `${NODE}qos = -1\n`, /^5 node\[0\]\.qos: -1 needs predefined, or/],
    ["two topics", `${NODE}predefined = 5\n`, /^5 node\[0\]\.predefined: topic and predefined/],
    ["a short topic of one", `${NODE}short = true\n`, /^5 node\[0\]\.short: needs a topic of/],
    [
      "a predefined topic to be split",
      `${NODE.replace('topic = "t"', "predefined = 5")}split = true\n`,
      /^5 node\[0\]\.split: needs a topic that/,
    ],
    [
      "a network that loses all",
      `[network]\nloss = 100\n${NODE}`,
      /^2 network\.loss: expected a whole number from 0 to 90/,
    ],
    [
      "no interval",
      `${NODE}interval = 0\n`,
      /^5 node\[0\]\.interval: expected a number of seconds from 0.01/,
    ],
    [
      "a will without topic",
      `${NODE}will = { payload = "x" }\n`,
      /^5 node\[0\]\.will\.topic: is missing/,
    ],
    [
      "a will that is no table",
      `${NODE}will = "x"\n`,
      /^5 node\[0\]\.will: expected a section, got "x"/,
    ],
    [
      "many of one name",
      `${NODE}count = 2\n`,
      /^2 node\[0\]\.client_id: with count = 2 it must hold %n/,
    ],
    ["two of one name", NODE + NODE, /^6 node\[1\]\.client_id: another node is called "a" already/],
    ["no TOML", "[[node]\n", /^1 : /],
  ];
  for (const [what, toml, problem] of cases) {
    it(what, (t) => {
      const [first = ""] = problemsOf(t, toml);
      assert.match(first, problem);
    });
  }

  it("a file that is not there", () => {
    assert.throws(() => loadScenario("/nonexistent.toml"), {
      code: "MIDGE_CONFIG_INVALID",
      message: "/nonexistent.toml: no such file",
    });
  });
});

it("a plain scenario numbers its nodes", () => {
  const plans = plainScenario({ nodes: 2, interval: 1, qos: 1, topic: "load/%n", sleep: 0 }).nodes;
  assert.deepEqual(
    plans.map(({ clientId, topic }) => `${clientId} ${nameOf(topic)}`),
    ["simulated-1 load/1", "simulated-2 load/2"],
  );
});
