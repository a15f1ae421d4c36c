import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  LONGEST_TOPIC,
  MOST_TOPICS,
  PAYLOAD_KEPT,
  ValueStore,
} from "../../../src/dashboard/model/value-store.ts";
import { type ValueQuery, viewValues } from "../../../src/dashboard/model/value-view.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe("ValueStore", () => {
  test("keeps the last message of each topic, and counts", () => {
    const store = new ValueStore();
    store.receive("a", bytes("1"), false, 10);
    store.receive("a", bytes("2"), false, 20);
    const value = store.get("a");
    assert.equal(value?.count, 2);
    assert.equal(value?.heardAt, 20);
    assert.deepEqual(value?.kept, bytes("2"));
    assert.equal(value?.stored, false);
  });

  test("owns what it keeps, 1024 bytes at most", () => {
    const store = new ValueStore();
    const buffer = new Uint8Array(3000).fill(7);
    store.receive("a", buffer, false, 0);
    buffer.fill(0);
    const value = store.get("a");
    assert.equal(value?.kept.length, PAYLOAD_KEPT);
    assert.equal(value?.kept.buffer.byteLength, PAYLOAD_KEPT);
    assert.equal(value?.kept[0], 7);
    assert.equal(value?.length, 3000);
  });

  test("beyond its bound lets go of the topic heard longest ago", () => {
    const store = new ValueStore();
    for (let index = 0; index < MOST_TOPICS; index++)
      store.receive(`t/${index}`, bytes("x"), false, index);
    store.receive("t/0", bytes("again"), false, MOST_TOPICS);
    store.receive("new", bytes("x"), false, MOST_TOPICS + 1);
    assert.equal(store.size, MOST_TOPICS);
    assert.equal(store.missed, 1);
    assert.ok(store.get("t/0"));
    assert.equal(store.get("t/1"), undefined);
    assert.equal(store.topics().length, MOST_TOPICS);
  });

  test("counts topics of absurd length instead of keeping them", () => {
    const store = new ValueStore();
    store.receive("x".repeat(LONGEST_TOPIC + 1), bytes("1"), false, 0);
    assert.equal(store.size, 0);
    assert.equal(store.missed, 1);
  });

  test("a stored value that is told again keeps what is known of its age", () => {
    const store = new ValueStore();
    store.receive("a", bytes("1"), false, 10);
    store.receive("a", bytes("1"), true, 500);
    assert.equal(store.get("a")?.stored, false);
    assert.equal(store.get("a")?.heardAt, 10);
    store.receive("a", bytes("2"), true, 600);
    assert.equal(store.get("a")?.stored, true);
  });

  test("is not confused by topics named like parts of JavaScript", () => {
    const store = new ValueStore();
    for (const topic of ["__proto__", "constructor", "toString"])
      store.receive(topic, bytes("1"), false, 0);
    assert.deepEqual(store.topics(), ["__proto__", "constructor", "toString"]);
  });
});

describe("viewValues", () => {
  const store = new ValueStore();
  store.receive("house/kitchen/temperature", bytes("1"), false, 30);
  store.receive("house/cellar/Temperature", bytes("1"), false, 20);
  store.receive("house/cellar/humidity", bytes("1"), true, 40);
  store.receive("garden/temperature", bytes("1"), false, 10);
  store.receive("garden/temperature", bytes("2"), false, 15);

  function shown(query: Partial<ValueQuery>) {
    const all = { filter: "", column: "topic", descending: false, limit: 10, ...query } as const;
    return viewValues(store, all).rows.map(({ topic }) => topic);
  }

  test("shows the topics that hold every word, in any case", () => {
    assert.deepEqual(shown({ filter: "  temperature HOUSE " }), [
      "house/cellar/Temperature",
      "house/kitchen/temperature",
    ]);
    assert.deepEqual(shown({ filter: "(.*" }), []);
  });

  test("sorts by topic, age and count; an unknown age counts as the oldest", () => {
    assert.equal(shown({})[0], "garden/temperature");
    assert.equal(shown({ descending: true })[0], "house/kitchen/temperature");
    assert.deepEqual(shown({ column: "age" }), [
      "house/kitchen/temperature",
      "house/cellar/Temperature",
      "garden/temperature",
      "house/cellar/humidity",
    ]);
    assert.equal(shown({ column: "count", descending: true })[0], "garden/temperature");
  });

  test("shows no more than asked for, and tells how many there are", () => {
    const view = viewValues(store, { filter: "e", column: "topic", descending: true, limit: 2 });
    assert.deepEqual(
      view.rows.map(({ topic }) => topic),
      ["house/kitchen/temperature", "house/cellar/humidity"],
    );
    assert.equal(view.matching, 4);
    assert.equal(view.total, 4);
  });
});
