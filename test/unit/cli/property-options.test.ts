/** -D: the words that belong to it, and what they come to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import {
  addPropertyOption,
  joinProperties,
  PropertyProblem,
  propertySets,
  withProperty,
} from "../../../src/cli/property-options.ts";

function command(): Command {
  const all = new Command("pub")
    .option("-m, --message <message>", "")
    .option("-d, --debug", "")
    .option("-t, --topic <topic>", "");
  return addPropertyOption(all);
}

test("the words of -D are joined, three or four, whatever they look like", () => {
  const words = ["-d", "-D", "publish", "content-type", "-t", "-t", "a", "--property", "connect"];
  const joined = joinProperties(command(), [...words, "User-Property", "-m", "-D", "-m", "x"]);
  assert.deepEqual(joined, [
    ...["-d", "-D", '["publish","content-type","-t"]', "-t", "a"],
    ...["--property", '["connect","User-Property","-m","-D"]', "-m", "x"],
  ]);
});

test("a -D that is the value of another option is left alone, and a cut-off one is kept", () => {
  const words = ["-m", "-D", "-D", "publish"];
  assert.deepEqual(joinProperties(command(), words), ["-m", "-D", "-D", '["publish"]']);
});

test("each packet gets its properties, lists in their order", () => {
  const sets = propertySets([
    ["PUBLISH", "Content-Type", "a"],
    ["publish", "user-property", "k", "1"],
    ["publish", "user-property", "k", "2"],
    ["publish", "correlation-data", "\u00e9"],
    ["subscribe", "subscription-identifier", "268435455"],
    ["will", "will-delay-interval", "5"],
    ["connect", "session-expiry-interval", "4294967295"],
    ["disconnect", "reason-string", "bye"],
  ]);
  assert.deepEqual(sets, {
    publish: {
      contentType: "a",
      userProperties: [
        ["k", "1"],
        ["k", "2"],
      ],
      correlationData: new Uint8Array([0xc3, 0xa9]),
    },
    subscribe: { subscriptionIdentifiers: [268_435_455] },
    will: { willDelayInterval: 5 },
    connect: { sessionExpiryInterval: 4_294_967_295 },
    disconnect: { reasonString: "bye" },
  });
});

test("a property that has an option of its own may be given one way only", () => {
  const given = propertySets([["connect", "session-expiry-interval", "5"]]).connect;
  assert.throws(
    () => withProperty(given, "connect", "sessionExpiryInterval", 6),
    (error) => error instanceof PropertyProblem && /Duplicate property/.test(error.message),
  );
  assert.deepEqual(withProperty(undefined, "connect", "sessionExpiryInterval", 6), {
    sessionExpiryInterval: 6,
  });
});

test("values too long and text that MQTT forbids are refused", () => {
  for (const [name, value] of [
    ["content-type", "x".repeat(65536)],
    ["correlation-data", "x".repeat(65536)],
    ["content-type", "a\u0000b"],
    ["content-type", "\ud800"],
    ["response-topic", ""],
  ] as const) {
    assert.throws(() => propertySets([["publish", name, value]]), PropertyProblem);
  }
});
