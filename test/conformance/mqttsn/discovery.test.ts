/** ADVERTISE, SEARCHGW and GWINFO (MQTT-SN 1.2 §6.1). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeLink, frameOf, Stand } from "../../unit/gateway/stand.ts";

const advertise = { kind: "advertise", gatewayId: 9, duration: 900 };

test("MQTT-SN 1.2 §6.1: ADVERTISE goes out at the start and every TADV", () => {
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

test("decisions: SEARCHGW: a stopped gateway advertises no more", () => {
  const stand = new Stand();
  stand.gateway.stop();
  stand.pass(2000);
  assert.equal(stand.link.broadcasts.length, 1);
});

test("MQTT-SN 1.2 §6.1: SEARCHGW is answered by GWINFO to the group and to the asker", () => {
  const stand = new Stand({ gatewayId: 9 });
  const asker = stand.at("asker");
  const info = { kind: "gwinfo", gatewayId: 9, gatewayAddress: new Uint8Array(0) };
  asker.say({ kind: "searchgw", radius: 1 });
  assert.deepEqual(asker.take(), [info]);
  assert.deepEqual(stand.link.broadcasts.slice(1), [info]);
});

test("decisions: SEARCHGW: a flood of SEARCHGW does not become a flood to the group", () => {
  const stand = new Stand();
  for (let count = 0; count < 100; count++)
    stand.at(`${count}`).say({ kind: "searchgw", radius: 0 });
  assert.ok(stand.link.broadcasts.length <= 6);
});

test("each link has its own id and interval, and may not advertise at all", () => {
  const stand = new Stand({ gatewayId: 9 });
  const link = new FakeLink("own");
  link.gatewayId = 7;
  link.advertiseInterval = 60;
  const silent = new FakeLink("silent");
  silent.advertiseInterval = 0;
  stand.gateway.attach(link);
  stand.gateway.attach(silent);
  stand.pass(60);
  const own = { kind: "advertise", gatewayId: 7, duration: 60 };
  assert.deepEqual(link.broadcasts, [own, own]);
  assert.deepEqual(silent.broadcasts, []);
  assert.equal(stand.link.broadcasts.length, 1);
  const asker = stand.at("asker", link);
  asker.say({ kind: "searchgw", radius: 0 });
  assert.equal(asker.take()[0]?.kind, "gwinfo");
  assert.equal((link.broadcasts.at(-1) as { gatewayId: number }).gatewayId, 7);
});

test("a link that is gone is not advertised on, and at once when it is back", () => {
  const stand = new Stand();
  stand.gateway.detach(stand.link);
  stand.pass(2000);
  assert.equal(stand.link.broadcasts.length, 1);
  stand.gateway.attach(stand.link);
  assert.equal(stand.link.broadcasts.length, 2);
  stand.pass(900);
  assert.equal(stand.link.broadcasts.length, 3);
});

test("MQTT-SN 1.2 §6.1: while the broker cannot be reached nothing is advertised and no search is answered", () => {
  const stand = new Stand();
  stand.gateway.setServing(false);
  stand.pass(2000);
  const asker = stand.at("asker");
  asker.say({ kind: "searchgw", radius: 0 });
  assert.equal(stand.link.broadcasts.length, 1);
  assert.deepEqual(asker.take(), []);
  stand.gateway.setServing(true);
  assert.equal(stand.link.broadcasts.length, 2);
  stand.gateway.setServing(true);
  assert.equal(stand.link.broadcasts.length, 2);
  stand.gateway.stop();
  stand.gateway.setServing(true);
  assert.equal(stand.link.broadcasts.length, 2);
});

test("MQTT-SN 1.2 §6.1: GWINFO to the group has the radius of the search", () => {
  const stand = new Stand();
  for (const radius of [0, 1, 255]) stand.at("asker").say({ kind: "searchgw", radius });
  assert.deepEqual(stand.link.radii.slice(1), [0, 1, 255]);
});

test("nodes behind forwarders are advertised to, by every forwarder that was heard within a day", () => {
  const stand = new Stand({ gatewayId: 9 });
  const [near, far] = [stand.at("near"), stand.at("far")];
  const ping = new Uint8Array([2, 0x16]);
  for (const forwarder of [near, far]) {
    forwarder.say({
      kind: "encapsulated",
      radius: 0,
      wirelessNodeId: new Uint8Array([1, 2]),
      message: ping,
    });
    forwarder.take();
  }
  const wrapped = {
    kind: "encapsulated",
    radius: 0,
    wirelessNodeId: new Uint8Array(0),
    message: frameOf({ kind: "advertise", gatewayId: 9, duration: 900 }),
  };
  stand.pass(900);
  assert.deepEqual([near.take(), far.take()], [[wrapped], [wrapped]]);
  stand.pass(80_000);
  near.say({ kind: "encapsulated", radius: 0, wirelessNodeId: new Uint8Array(0), message: ping });
  near.take();
  far.take();
  stand.pass(7200);
  assert.ok(near.take().length > 0);
  stand.pass(900);
  far.take();
  stand.pass(900);
  assert.deepEqual(far.take(), []);
});

test("forwarders that are forged without end are forgotten, the oldest first", () => {
  const stand = new Stand();
  const bring = (key: string) => stand.at(key).sayRaw(new Uint8Array([3, 0xfe, 0, 2, 0x16]));
  for (let count = 0; count < 2000; count++) bring(`f${count}`);
  stand.link.sent.clear();
  stand.pass(900);
  assert.equal(stand.link.sent.size, 256);
  assert.equal(stand.link.sent.has("f1999"), true);
});

test("other gateways are told of with the link, until they miss three advertisements", () => {
  const stand = new Stand({ gatewayId: 9 });
  const other = stand.at("10.0.0.2:1884");
  other.say({ kind: "advertise", gatewayId: 4, duration: 100 });
  stand.at("10.0.0.3:1884").say({
    kind: "gwinfo",
    gatewayId: 2,
    gatewayAddress: new Uint8Array(0),
  });
  assert.deepEqual(other.take(), []);
  stand.pass(10);
  const lastSeen = "2026-01-01T00:00:00.000Z";
  assert.deepEqual(stand.linkReport().gateways, [
    { id: 2, address: "10.0.0.3:1884", interval: 0, lastSeen },
    { id: 4, address: "10.0.0.2:1884", interval: 100, lastSeen },
  ]);
  assert.equal(stand.logged(/^another gateway, id 4, is at udp\/10\.0\.0\.2:1884$/, "info"), 1);
  other.say({ kind: "gwinfo", gatewayId: 4, gatewayAddress: new Uint8Array(0) });
  stand.pass(300);
  assert.equal((stand.linkReport().gateways as unknown[]).length, 2);
  stand.pass(20);
  assert.deepEqual(
    (stand.linkReport().gateways as { id: number }[]).map(({ id }) => id),
    [2],
  );
});

test("a second gateway of the same id is logged, once", () => {
  const stand = new Stand({ gatewayId: 9 });
  const other = stand.at("10.0.0.2:1884");
  for (let count = 0; count < 5; count++) {
    other.say({ kind: "advertise", gatewayId: 9, duration: 900 });
    stand.pass(900);
  }
  assert.equal(
    stand.logged(/^another gateway at udp\/10\.0\.0\.2:1884 has the same id, 9: /, "warn"),
    1,
  );
});

test("MQTT-SN 1.2 §6.1: GWINFO of a client tells of the gateway at GwAdd, and of us nothing new", () => {
  const stand = new Stand({ gatewayId: 9 });
  const client = stand.at("client");
  client.say({ kind: "gwinfo", gatewayId: 4, gatewayAddress: new Uint8Array([10, 0, 0, 2]) });
  client.say({ kind: "gwinfo", gatewayId: 9, gatewayAddress: new Uint8Array([10, 0, 0, 9]) });
  assert.deepEqual(client.take(), []);
  stand.pass(10);
  const [known, ...more] = stand.linkReport().gateways as { id: number; address: string }[];
  assert.deepEqual([known?.id, known?.address, more.length], [4, "0a000002", 0]);
  assert.equal(stand.logged(/another gateway/), 0);
});

test("gateways that are forged without end are forgotten, and do not fill the log", () => {
  const stand = new Stand();
  for (let count = 0; count < 2000; count++) {
    stand.at(`f${count}`).say({ kind: "advertise", gatewayId: count % 256, duration: 65_535 });
  }
  stand.pass(10);
  assert.equal((stand.linkReport().gateways as unknown[]).length, 32);
  assert.equal(stand.logged(/another gateway/), 1);
});
