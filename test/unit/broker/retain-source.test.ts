/** Retained messages of those who may not publish them any more (CVE-2018-12546). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker } from "../../kit/test-broker.ts";

function leaveAndRevoke(checkRetainSource: boolean): string[] {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access, options: { checkRetainSource } });
  const publisher = broker.connect("p");
  publisher.publish("a/1", "left behind", 1, 1, true);
  publisher.publish("b/1", "stays", 1, 2, true);
  access.change({ mayPublish: (topic) => !topic.startsWith("a/") });
  const reader = broker.connect("r");
  reader.subscribe("#");
  return reader.messages();
}

test("a retained message is kept back once its publisher may not publish there any more", () => {
  assert.deepEqual(leaveAndRevoke(true), ["b/1=stays retain"]);
});

test("without check_retain_source it is delivered all the same", () => {
  assert.deepEqual(leaveAndRevoke(false).sort(), ["a/1=left behind retain", "b/1=stays retain"]);
});
