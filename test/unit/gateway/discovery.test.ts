/** ADVERTISE, SEARCHGW and GWINFO (MQTT-SN 1.2 §6.1). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeLink, Stand } from "./stand.ts";

const advertise = { kind: "advertise", gatewayId: 9, duration: 900 };

test("§6.1 ADVERTISE goes out at the start and every TADV", () => {
  const stand = new Stand({ gatewayId: 9 });
  assert.deepEqual(stand.link.broadcasts, [advertise]);
  stand.pass(899);
  assert.equal(stand.link.broadcasts.length, 1);
  stand.pass(1);
  assert.deepEqual(stand.link.broadcasts, [advertise, advertise]);
});

test("a link attached later advertises at once", () => {
  const stand = new Stand({ gatewayId: 9 });
  const link = new FakeLink("late");
  stand.gateway.attach(link);
  assert.deepEqual(link.broadcasts, [advertise]);
  assert.equal(stand.link.broadcasts.length, 1);
});

test("a stopped gateway advertises no more", () => {
  const stand = new Stand();
  stand.gateway.stop();
  stand.pass(2000);
  assert.equal(stand.link.broadcasts.length, 1);
});

test("§6.1 SEARCHGW is answered by GWINFO to the group and to the asker", () => {
  const stand = new Stand({ gatewayId: 9 });
  const asker = stand.at("asker");
  const info = { kind: "gwinfo", gatewayId: 9, gatewayAddress: new Uint8Array(0) };
  asker.say({ kind: "searchgw", radius: 1 });
  assert.deepEqual(asker.take(), [info]);
  assert.deepEqual(stand.link.broadcasts.slice(1), [info]);
});

test("a flood of SEARCHGW does not become a flood to the group", () => {
  const stand = new Stand();
  for (let count = 0; count < 100; count++)
    stand.at(`${count}`).say({ kind: "searchgw", radius: 0 });
  assert.ok(stand.link.broadcasts.length <= 6);
});
