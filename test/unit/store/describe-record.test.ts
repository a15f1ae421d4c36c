/** What `midge store` says of a will, whole or damaged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import type { StoredRecord } from "../../../src/seams/journal.ts";
import { describeRecord } from "../../../src/store/describe-record.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker } from "../../kit/test-broker.ts";

const will = {
  topic: "plant/pump",
  payload: encodeUtf8("gone"),
  qos: 1,
  retain: true,
  properties: { willDelayInterval: 30, messageExpiryInterval: 60, contentType: "text" },
} as const;

function broken(isLost: boolean): StoredRecord {
  const broker = new TestBroker({ access: new ScriptedAccess() });
  const kept = { sessionExpiryInterval: 1000 };
  const client = broker.connect5("pump", kept, { username: "ann", keepAlive: 20, will });
  if (isLost) client.break();
  const record = broker.disk.records().find(({ key }) => key === "w/pump");
  assert.ok(record);
  return record;
}

test("a will is told of with whose it is, and when it is due once its client is gone", () => {
  const said = {
    kind: "will",
    clientId: "pump",
    topic: "plant/pump",
    qos: 1,
    retain: true,
    payload: "gone",
    properties: {
      payloadFormatIndicator: undefined,
      contentType: "text",
      responseTopic: undefined,
      correlationData: undefined,
      userProperties: undefined,
    },
    messageExpiry: 60,
    delay: 30,
    keepAlive: 20,
    due: undefined,
    held: false,
    username: "ann",
    source: { clientId: "pump", username: "ann", listener: "main", origin: "mqtt" },
  };
  assert.deepEqual(describeRecord(broken(false)), said);
  assert.deepEqual(describeRecord(broken(true)), { ...said, due: "2026-01-01T00:00:30.000Z" });
});

test("a will that is cut off before its payload, or of a later format, cannot be read", () => {
  const { key, value } = broken(false);
  for (let end = 0; end < value.length - will.payload.length; end++) {
    assert.equal(describeRecord({ key, value: value.slice(0, end) }), undefined, `${end}`);
  }
  const later = value.slice();
  later[0] = 99;
  assert.equal(describeRecord({ key, value: later }), undefined);
  assert.equal(describeRecord({ key: "w/pump\0", value }), undefined);
});
