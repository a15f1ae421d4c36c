import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DashboardModel } from "../../../src/dashboard/model/dashboard-model.ts";

const BRIDGE = { queued: 0, dropped: 0, address: "", failure: "" };

function states(bridges: readonly { readonly name: string; readonly state: string }[]): string[] {
  return bridges.map(({ name, state }) => `${name} ${state}`);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe("DashboardModel", () => {
  test("tells nodes, broker figures and live values apart by topic", () => {
    const model = new DashboardModel();
    assert.equal(
      model.receive("$SYS/gateway/nodes/a", bytes('{"clientId":"a"}'), true, 0),
      "nodes",
    );
    assert.equal(model.receive("$SYS/broker/clients/connected", bytes("3"), true, 0), "broker");
    assert.equal(model.receive("$SYS/broker/load/sockets/1min", bytes("3"), true, 0), undefined);
    assert.equal(model.receive("plant/pot", bytes("3"), false, 0), "values");
    assert.equal(model.nodes.size, 1);
    assert.equal(model.broker.figures.clients, 3);
    assert.equal(model.values.size, 1);
  });
});

describe("the broker's figures", () => {
  test("uptime becomes the time of the start", () => {
    const { broker } = new DashboardModel();
    broker.receive("uptime", bytes("90 seconds"), true, 100_000);
    assert.equal(broker.figures.startedAt, 10_000);
  });

  test("a rate is taken between two live reports, never from a stored one", () => {
    const { broker } = new DashboardModel();
    broker.receive("publish/messages/received", bytes("100"), true, 0);
    broker.receive("publish/messages/received", bytes("150"), false, 3_000);
    assert.equal(broker.figures.messagesIn?.rate, undefined);
    broker.receive("publish/messages/received", bytes("170"), false, 13_000);
    assert.equal(broker.figures.messagesIn?.rate, 2);
    assert.equal(broker.figures.messagesIn?.count, 170);
  });

  test("a counter that a whole report did not mention stands still", () => {
    const { broker } = new DashboardModel();
    broker.receive("publish/messages/received", bytes("100"), true, 0);
    for (const at of [5_000, 15_000]) broker.receive("uptime", bytes("1"), false, at);
    assert.equal(broker.figures.messagesIn?.rate, 0);
    broker.receive("publish/messages/received", bytes("150"), false, 15_000);
    assert.equal(broker.figures.messagesIn?.rate, 5);
    broker.receive("uptime", bytes("3"), false, 25_000);
    assert.equal(broker.figures.messagesIn?.rate, 5);
    broker.receive("uptime", bytes("4"), false, 35_000);
    assert.equal(broker.figures.messagesIn?.rate, 0);
  });

  test("a counter that starts again has no rate", () => {
    const { broker } = new DashboardModel();
    broker.receive("publish/messages/sent", bytes("100"), false, 0);
    broker.receive("publish/messages/sent", bytes("5"), false, 1000);
    assert.equal(broker.figures.messagesOut?.rate, undefined);
  });

  test("rubbish changes nothing", () => {
    const { broker } = new DashboardModel();
    for (const name of ["uptime", "clients/connected", "publish/messages/received"])
      broker.receive(name, new Uint8Array([0xff, 0xfe]), false, 0);
    assert.deepEqual(broker.figures, {});
  });
});

describe("bridges", () => {
  test("are up or down, sorted by name, and gone with an empty payload", () => {
    const { broker } = new DashboardModel();
    broker.receive("connection/site/state", bytes("0"), true, 0);
    broker.receive("connection/cloud/eu/state", bytes("1"), true, 0);
    assert.deepEqual(broker.bridges(), [
      { ...BRIDGE, name: "cloud/eu", state: "up" },
      { ...BRIDGE, name: "site", state: "down" },
    ]);
    broker.receive("connection/site/state", bytes(""), false, 0);
    assert.deepEqual(states(broker.bridges()), ["cloud/eu up"]);
  });

  test("tell what waits, why there is no connection, and that there is nothing to carry", () => {
    const { broker } = new DashboardModel();
    for (const [about, text] of [
      ["state", "0"],
      ["status", "offline"],
      ["messages/queued", "120"],
      ["messages/dropped", "1"],
      ["queue/dropped/full", "1"],
      ["queue/dropped/age", "2"],
      ["messages/sent", "9"],
      ["address", "broker.example:8883"],
      ["failure", "broker.example:8883: connection refused"],
    ] as const)
      broker.receive(`connection/cloud/${about}`, bytes(text), true, 0);
    assert.deepEqual(broker.bridges(), [
      {
        name: "cloud",
        state: "down",
        queued: 120,
        dropped: 4,
        address: "broker.example:8883",
        failure: "broker.example:8883: connection refused",
      },
    ]);
    broker.receive("connection/cloud/failure", bytes("none"), false, 0);
    broker.receive("connection/cloud/status", bytes("idle"), false, 0);
    assert.deepEqual([broker.bridges()[0]?.state, broker.bridges()[0]?.failure], ["idle", ""]);
    broker.receive("connection/cloud/state", bytes("1"), false, 0);
    assert.equal(broker.bridges()[0]?.state, "up", "told at once, unlike status");
    broker.receive("connection/quiet/status", bytes("connected"), true, 0);
    assert.equal(broker.bridges()[1]?.state, "up", "without notifications");
  });

  test("that went while nobody listened are gone after a new connection", () => {
    const model = new DashboardModel();
    model.broker.receive("connection/a/state", bytes("1"), true, 0);
    model.broker.receive("connection/b/state", bytes("1"), true, 0);
    model.beginRound();
    model.broker.receive("connection/b/state", bytes("0"), true, 0);
    model.endRound();
    assert.deepEqual(states(model.broker.bridges()), ["b down"]);
  });

  test("stay within a bound", () => {
    const { broker } = new DashboardModel();
    for (let index = 0; index < 1000; index++)
      broker.receive(`connection/b${index}/state`, bytes("1"), true, 0);
    assert.equal(broker.bridges().length, 100);
  });
});

describe("the store", () => {
  function told(topics: Readonly<Record<string, string>>): DashboardModel {
    const model = new DashboardModel();
    for (const [topic, text] of Object.entries(topics))
      model.receive(`$SYS/broker/store/${topic}`, bytes(text), true, 0);
    return model;
  }

  test("is known by its state, and the rest as far as it is told", () => {
    assert.equal(told({ mode: "strict", "disk/free": "5" }).broker.store, undefined);
    const { store } = told({
      state: "ok",
      mode: "strict",
      folder: "/data",
      damaged: "damaged-1 damaged-2",
      "unsafe/count": "3",
      "unsafe/age": "1200",
      "unsafe/limit": "15000",
      "bytes/today": "12",
      "disk/free": "5",
    }).broker;
    assert.deepEqual(store, {
      state: "ok",
      isStrict: true,
      folder: "/data",
      problem: "",
      damaged: ["damaged-1", "damaged-2"],
      unsafeCount: 3,
      unsafeAge: 1200,
      unsafeLimit: 15_000,
      writtenToday: 12,
      writtenYear: undefined,
      free: 5,
      reserve: undefined,
    });
  });

  test("changes the page with what is shown of it only", () => {
    const model = new DashboardModel();
    const area = (topic: string) =>
      model.receive(`$SYS/broker/store/${topic}`, bytes("1"), true, 0);
    assert.equal(area("unsafe/age"), "broker");
    assert.equal(area("messages/count"), undefined);
  });

  test("is without damage once that is taken back, or not told any more", () => {
    const model = told({ state: "ok", damaged: "damaged-1" });
    model.receive("$SYS/broker/store/damaged", bytes(""), false, 0);
    assert.deepEqual(model.broker.store?.damaged, []);
    model.receive("$SYS/broker/store/damaged", bytes("damaged-2"), false, 0);
    model.beginRound();
    model.receive("$SYS/broker/store/state", bytes("ok"), true, 0);
    assert.deepEqual(model.broker.store?.damaged, ["damaged-2"]);
    model.endRound();
    assert.deepEqual(model.broker.store?.damaged, []);
  });

  test("is not known by rubbish", () => {
    assert.equal(told({ state: "splendid" }).broker.store, undefined);
    const { store } = told({ state: "low", "disk/free": "-5", "unsafe/age": "soon" }).broker;
    assert.deepEqual([store?.free, store?.unsafeAge], [undefined, 0]);
  });
});
