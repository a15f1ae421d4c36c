import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DashboardModel } from "../../../src/dashboard/model/dashboard-model.ts";

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
      { name: "cloud/eu", up: true },
      { name: "site", up: false },
    ]);
    broker.receive("connection/site/state", bytes(""), false, 0);
    assert.deepEqual(broker.bridges(), [{ name: "cloud/eu", up: true }]);
  });

  test("that went while nobody listened are gone after a new connection", () => {
    const model = new DashboardModel();
    model.broker.receive("connection/a/state", bytes("1"), true, 0);
    model.broker.receive("connection/b/state", bytes("1"), true, 0);
    model.beginRound();
    model.broker.receive("connection/b/state", bytes("0"), true, 0);
    model.endRound();
    assert.deepEqual(model.broker.bridges(), [{ name: "b", up: false }]);
  });

  test("stay within a bound", () => {
    const { broker } = new DashboardModel();
    for (let index = 0; index < 1000; index++)
      broker.receive(`connection/b${index}/state`, bytes("1"), true, 0);
    assert.equal(broker.bridges().length, 100);
  });
});
