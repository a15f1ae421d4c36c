/** Topic names and topic filters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { filterMatches, isTopicFilter, isTopicName } from "../../../src/topics/names.ts";

test("topic names hold no wildcard and are not empty [MQTT-4.7.1-1] [MQTT-4.7.3-1]", () => {
  for (const name of ["a", "/", "a//b", "$SYS/x", " "]) assert.equal(isTopicName(name, 10), true);
  for (const name of ["", "a/+", "#", "a+b"]) assert.equal(isTopicName(name, 10), false);
});

test("# stands only alone at the end [MQTT-4.7.1-2], + only alone in its level [MQTT-4.7.1-3]", () => {
  for (const filter of ["#", "+", "a/#", "+/+/#", "/+", "a/+/b", "/", "a//#"]) {
    assert.equal(isTopicFilter(filter, 10), true, filter);
  }
  for (const filter of ["", "a#", "a/#/b", "##", "+a", "a+", "a/b+/c", "#/", "a/+b"]) {
    assert.equal(isTopicFilter(filter, 10), false, filter);
  }
});

test("levels are counted, so that a filter of 65 000 slashes is refused", () => {
  assert.equal(isTopicName("a/b/c", 3), true);
  assert.equal(isTopicName("a/b/c/d", 3), false);
  assert.equal(isTopicFilter("/".repeat(65000), 200), false);
});

test("filters match as in the examples of the specification §4.7", () => {
  const yes = [
    ["sport/tennis/player1/#", "sport/tennis/player1"],
    ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"],
    ["sport/#", "sport"],
    ["sport/tennis/+", "sport/tennis/player1"],
    ["sport/+", "sport/"],
    ["+/+", "/finance"],
    ["/+", "/finance"],
    ["$SYS/#", "$SYS/monitor/Clients"],
    ["$SYS/monitor/+", "$SYS/monitor/Clients"],
  ] as const;
  const no = [
    ["sport/tennis/+", "sport/tennis/player1/ranking"],
    ["sport/+", "sport"],
    ["+", "/finance"],
    ["#", "$SYS/monitor/Clients"],
    ["+/monitor/Clients", "$SYS/monitor/Clients"],
    ["ACCOUNTS", "Accounts"],
  ] as const;
  for (const [filter, name] of yes) assert.equal(filterMatches(filter, name), true, filter);
  for (const [filter, name] of no) assert.equal(filterMatches(filter, name), false, filter);
});
