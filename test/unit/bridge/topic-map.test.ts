/** Topic remapping as Mosquitto's topic lines have it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type TopicRule, topicRuleFault } from "../../../src/bridge/options.ts";
import { TopicMap } from "../../../src/bridge/topic-map.ts";

/** "pattern direction qos local remote", `""` being empty, as in mosquitto.conf. */
function rule(line: string): TopicRule {
  const [pattern = "", direction = "out", qos = "0", localPrefix = "", remotePrefix = ""] = line
    .split(" ")
    .map((word) => (word === '""' ? "" : word));
  return {
    pattern,
    direction: direction as TopicRule["direction"],
    qos: Number(qos) as TopicRule["qos"],
    localPrefix,
    remotePrefix,
  };
}

/** Each line: the rules, a local topic, its remote name or "-". */
const OUT: readonly (readonly [string, string, string])[] = [
  ["# out 0 local/topic/ remote/topic/", "local/topic/something", "remote/topic/something"],
  ["# out 0 local/topic/ remote/topic/", "local/topic/s/o/m/e", "remote/topic/s/o/m/e"],
  ["# out 0 local/topic/ remote/topic/", "local/topic", "remote/topic"],
  ["# out 0 local/topic/ remote/topic/", "local/topics", "-"],
  ["prefix/# out 0 local2/topic/ remote2/topic/", "local2/topic/something", "-"],
  [
    "prefix/# out 0 local2/topic/ remote2/topic/",
    "local2/topic/prefix/x",
    "remote2/topic/prefix/x",
  ],
  ["prefix/# out 0 local2/topic/ remote2/topic/", "local2/topic/prefix", "remote2/topic/prefix"],
  ["+/value out 0 local3/topic/ remote3/topic/", "local3/topic/x/value", "remote3/topic/x/value"],
  ["ic/+ out 0 local4/top remote4/tip", "local4/topic/x", "remote4/tipic/x"],
  ["pattern out 0 L/ R/", "L/pattern", "R/pattern"],
  ['pattern out 0 L/ ""', "L/pattern", "pattern"],
  ['pattern out 0 "" R/', "pattern", "R/pattern"],
  ['pattern out 0 "" ""', "pattern", "pattern"],
  ["pattern", "pattern", "pattern"],
  ['"" out 0 local/single remote/single', "local/single", "remote/single"],
  ["# out", "any/thing", "any/thing"],
  ["# out", "$SYS/broker/uptime", "-"],
  ["broker/# out 0 $SYS/ site7/", "$SYS/broker/uptime", "site7/broker/uptime"],
  ['# out 0 L/ ""', "L", "-"],
  ["a/# in 0", "a/b", "-"],
  ["a/# both 0", "a/b", "a/b"],
  // The first rule with a prefix counts, wherever one without stands.
  ["a/# out 0;a/# out 0 '' first/;a/# out 0 '' second/".replaceAll("''", '""'), "a/b", "first/a/b"],
  ['x/# out 0 "" X/;a/# out 0', "a/b", "a/b"],
  ['a/b out 0 "" one/;a/# out 0 "" all/', "a/c", "all/a/c"],
];

for (const [rules, local, remote] of OUT) {
  test(`topic ${rules}: ${local} leaves as ${remote}`, () => {
    const map = new TopicMap(rules.split(";").map(rule));
    const expected = remote === "-" ? undefined : remote;
    assert.equal(map.toRemote(local)?.topic, expected);
    assert.equal(map.toRemote(local)?.topic, expected, "remembered");
  });
}

const IN: readonly (readonly [string, string, string])[] = [
  ["# in 0 local/topic/ remote/topic/", "remote/topic/something", "local/topic/something"],
  ["ic/+ in 0 local4/top remote4/tip", "remote4/tipic/x", "local4/topic/x"],
  [
    "clients/total in 0 test/mosquitto/org $SYS/broker/",
    "$SYS/broker/clients/total",
    "test/mosquitto/orgclients/total",
  ],
  ['rmapped in 0 "" remote/mapped/', "remote/mapped/rmapped", "rmapped"],
  ['lmapped in 0 local/mapped/ ""', "lmapped", "local/mapped/lmapped"],
  ['"" in 0 local/single remote/single', "remote/single", "local/single"],
  ["a/# out 0 L/ R/", "R/a/b", "-"],
  ["a/# both 0 L/ R/", "R/a/b", "L/a/b"],
  ["a/# both 0 L/ R/", "L/a/b", "-"],
];

for (const [rules, remote, local] of IN) {
  test(`topic ${rules}: ${remote} arrives as ${local}`, () => {
    const map = new TopicMap(rules.split(";").map(rule));
    assert.equal(map.toLocal(remote), local === "-" ? undefined : local);
  });
}

test("each filter is subscribed to once, at the highest QoS asked for it", () => {
  const map = new TopicMap(
    ["a/# out 0 L/ R/", "a/# both 2 L/ R2/", "b/# in 1 L/ R/", "c in 0", "c in 1", "d out 1"].map(
      rule,
    ),
  );
  assert.deepEqual(map.localSubscriptions, [
    { filter: "L/a/#", qos: 2 },
    { filter: "d", qos: 1 },
  ]);
  assert.deepEqual(map.remoteSubscriptions, [
    { filter: "R2/a/#", qos: 2 },
    { filter: "R/b/#", qos: 1 },
    { filter: "c", qos: 1 },
  ]);
  assert.deepEqual(map.remoteOutOnly, ["R/a/#", "d"]);
});

test("a topic returns when it leads in again at the remote broker", () => {
  const map = new TopicMap(["a/# both 0 L/ R/", "b/# out 0 L/ X/", "+/c in 0 I/ X/b/"].map(rule));
  assert.deepEqual(map.toRemote("L/a/1"), { topic: "R/a/1", returns: true });
  assert.deepEqual(map.toRemote("L/b/1"), { topic: "X/b/1", returns: false });
  assert.deepEqual(map.toRemote("L/b/1/c"), { topic: "X/b/1/c", returns: true });
});

test("a topic that would become longer than MQTT allows is not shared", () => {
  const map = new TopicMap([rule(`# out 0 "" ${"r".repeat(1000)}/`)]);
  assert.equal(map.toRemote("x".repeat(65_000)), undefined);
});

test("more topics than are remembered still map", () => {
  const map = new TopicMap([rule('# out 0 "" R/')]);
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 10_000; index++) {
      assert.equal(map.toRemote(`t/${index}`)?.topic, `R/t/${index}`);
    }
  }
});

const FAULTS: readonly (readonly [string, RegExp | undefined])[] = [
  ['"" out 0 local ""', /needs both prefixes/],
  ['"" out 0 "" remote', /needs both prefixes/],
  ['"" out 0 "" ""', /needs both prefixes/],
  ["a out 0 L/+/ R/", /local prefix "L\/\+\/" must not contain/],
  ["a out 0 L/ R/#", /remote prefix "R\/#" must not contain/],
  ["#/a out", /"#\/a", the local prefix and the pattern put together, is no topic filter/],
  ["# out 0 L R", /"L#"/],
  ["# out 0 L/ R/", undefined],
  ['"" both 2 L R', undefined],
];

for (const [line, expected] of FAULTS) {
  test(`topic ${line} is ${expected === undefined ? "valid" : "refused in words"}`, () => {
    const fault = topicRuleFault(rule(line));
    if (expected === undefined) assert.equal(fault, undefined);
    else assert.match(fault ?? "", expected);
  });
}
