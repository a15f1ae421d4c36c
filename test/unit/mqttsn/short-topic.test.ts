/** Short topic names as TopicIds. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { shortTopicId, shortTopicName } from "../../../src/mqttsn/short-topic.ts";

it("a short name is its two octets, the first one high (§6.7)", () => {
  assert.equal(shortTopicId("ab"), 0x6162);
  assert.equal(shortTopicName(0x6162), "ab");
  assert.equal(shortTopicId("é"), 0xc3a9);
  assert.equal(shortTopicName(0xc3a9), "é");
});

it("names not of two octets have no id", () => {
  for (const name of ["", "a", "abc", "€", "aé"]) assert.equal(shortTopicId(name), undefined);
});

it("octets that are no MQTT text have no name", () => {
  for (const id of [0x0000, 0x6100, 0x61ff, 0xc328]) assert.equal(shortTopicName(id), undefined);
});
