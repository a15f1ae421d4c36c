/** `$SYS` beside Mosquitto's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SysTree } from "../../src/broker/sys-tree.ts";
import { runToEnd, startMosquitto } from "../kit/processes.ts";
import { TestBroker } from "../kit/test-broker.ts";

test("every topic that Mosquitto publishes is published, in the same form", async (t) => {
  const mosquitto = await startMosquitto(t, { more: "sys_interval 1" });
  const words = ["-h", "127.0.0.1", "-p", String(mosquitto.port), "-t", "$SYS/#", "-v", "-W", "2"];
  const { output } = await runToEnd(t, "mosquitto_sub", words);
  const broker = new TestBroker();
  new SysTree(broker.broker, () => 1000).start();
  broker.clock.advance(10_000);
  const reader = broker.connect("reader");
  reader.subscribe("$SYS/#");
  const ours = new Map(
    reader.messages().map((line) => {
      const [topic = "", value = ""] = line.replace(/ retain$/, "").split("=");
      return [topic, value];
    }),
  );
  const theirs = [...output.matchAll(/^(\$SYS\/(?:retained messages|[^ ])+) (.*)$/gm)];
  assert.ok(theirs.length > 40, output);
  for (const [, topic = "", value = ""] of theirs) {
    if (topic === "$SYS/broker/version") continue;
    const form = (text: string | undefined) => text?.replace(/\d+/g, "0");
    assert.equal(form(ours.get(topic)), form(value), topic);
  }
});
