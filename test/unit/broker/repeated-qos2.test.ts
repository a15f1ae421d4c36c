/** Which QoS 2 PUBLISH is a repetition, for clients that mark it with DUP and for those that do not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../kit/test-broker.ts";

const kept = { cleanStart: false };

/** What a subscriber has got after a client has come back and published, perhaps over a restart. */
function afterComingBack(payload: string, dup: boolean, restarts: boolean): string[] {
  let broker = new TestBroker();
  const before = broker.connect("watch", kept);
  before.subscribe("t", 0);
  const sender = broker.connect("sender", kept);
  sender.publish("t", "first", 2, 7);
  const got = before.messages();
  sender.break();
  let watch = before;
  if (restarts) {
    broker = broker.restart();
    watch = broker.connect("watch", kept);
  }
  broker.connect("sender", kept).publish("t", payload, 2, 7, false, dup);
  return [...got, ...watch.messages()];
}

for (const restarts of [false, true]) {
  const when = restarts ? " over a restart" : "";
  test(`[MQTT-4.3.3-2] what is sent again with DUP comes once${when}`, () => {
    assert.deepEqual(afterComingBack("first", true, restarts), ["t=first"]);
  });

  test(`the same message under the same identifier comes once without DUP, too${when}`, () => {
    assert.deepEqual(afterComingBack("first", false, restarts), ["t=first"]);
  });

  test(`another message under an identifier that was not released is a new one${when}`, () => {
    assert.deepEqual(afterComingBack("second", false, restarts), ["t=first", "t=second"]);
  });
}
