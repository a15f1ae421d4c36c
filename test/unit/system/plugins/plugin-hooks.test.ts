/** What plugins see of the broker's work, and what they change of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  CreatePlugin,
  MessageChange,
  Plugin,
  PluginContext,
  PluginMessage,
} from "../../../../src/seams/plugin.ts";
import { type PluginStand, pluginHost, pluginStand } from "../../../kit/plugin-stand.ts";
import type { TestClient } from "../../../kit/test-broker.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

function of(plugin: Plugin): CreatePlugin {
  return () => plugin;
}

function logged(on: PluginStand, level: string): string[] {
  return on.log.lines.filter((line) => line.startsWith(`${level}: `));
}

/** A plugin with this onPublish, a client that reads everything, and one that writes. */
async function publishing(
  t: Parameters<typeof pluginStand>[0],
  onPublish: (message: PluginMessage) => unknown,
): Promise<{ on: PluginStand; reader: TestClient; writer: TestClient }> {
  const on = await pluginStand(t, {
    door: of({ onPublish: onPublish as NonNullable<Plugin["onPublish"]> }),
  });
  const reader = on.broker.connect5("r");
  reader.subscribe("#", 2);
  return { on, reader, writer: on.broker.connect5("w") };
}

test("no plugin, no hooks; and only those hooks that some plugin makes use of", async (t) => {
  const none = pluginHost(t, {});
  await none.host.start();
  assert.deepEqual(none.host.hooks, {});
  const { host } = pluginHost(t, { door: of({ onSubscribe: () => {} }) });
  await host.start();
  assert.equal(host.hooks.published, undefined);
  assert.equal(host.hooks.unsubscribed, undefined);
  assert.notEqual(host.hooks.subscribed, undefined);
});

test("a message passes as it is, is changed, or is dropped", async (t) => {
  const { reader, writer } = await publishing(t, ({ topic, payload }) => {
    if (topic === "drop") return "drop";
    if (topic === "upper") return { payload: text(payload).toUpperCase() };
    if (topic === "move") return { topic: "moved/here", payload: new Uint8Array([0x21]) };
    return undefined;
  });
  for (const topic of ["as/is", "drop", "upper", "move"]) writer.publish(topic, "x");
  assert.deepEqual(reader.messages(), ["as/is=x", "upper=X", "moved/here=!"]);
});

test("a dropped message is acknowledged all the same, at each QoS, and is not shown twice", async (t) => {
  let seen = 0;
  const { on, reader, writer } = await publishing(t, () => {
    seen++;
    return "drop";
  });
  writer.publish("t", "1", 1, 1, true);
  writer.publish("t", "2", 2, 2);
  writer.publish("t", "2", 2, 2, false, true);
  writer.send({ kind: "pubrel", packetId: 2 });
  assert.deepEqual(
    writer.take().map((packet) => packet.kind),
    ["puback", "pubrec", "pubrec", "pubcomp"],
  );
  assert.equal(seen, 2);
  assert.deepEqual(reader.messages(), []);
  assert.equal(on.broker.broker.retained.count, 0);
});

test("QoS 1 and 2 of a changed message are kept and acknowledged as ever", async (t) => {
  const { reader, writer } = await publishing(t, () => ({ topic: "other" }));
  writer.publish("t", "1", 1, 1);
  writer.publish("t", "2", 2, 2);
  assert.deepEqual(reader.messages(), ["other=1 q1", "other=2 q2"]);
  reader.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(
    writer.take().map((packet) => packet.kind),
    ["puback", "pubrec"],
  );
});

test("what is retained is the message as it was made", async (t) => {
  const { on, writer } = await publishing(t, ({ topic }) =>
    topic === "keep" ? { retain: true, payload: "kept" } : { retain: false },
  );
  writer.publish("keep", "x");
  writer.publish("let/go", "x", 0, 0, true);
  const late = on.broker.connect5("late");
  late.subscribe("#");
  assert.deepEqual(late.messages(), ["keep=kept retain"]);
});

test("a retained message that was put elsewhere stays, whatever its publisher may do there", async (t) => {
  const on = await pluginStand(t, {
    door: of({
      authorize: ({ action, topic }) =>
        action === "publish" && topic !== "raw" ? "deny" : "allow",
      onPublish: () => ({ topic: "clean" }),
    }),
  });
  on.broker.connect5("w").publish("raw", "x", 0, 0, true);
  const late = on.broker.connect5("late");
  late.subscribe("#");
  assert.deepEqual(late.messages(), ["clean=x retain"]);
});

test("the plugin sees all of a message, and may keep what it sees", async (t) => {
  const seen: PluginMessage[] = [];
  const { reader, writer } = await publishing(t, (message) => {
    seen.push(message);
  });
  const properties = { contentType: "text", userProperties: [["a", "1"]] as const };
  writer.publishWith(properties, "t", "first", true);
  writer.publish("u", "second");
  assert.deepEqual(seen[0], {
    topic: "t",
    payload: bytes("first"),
    qos: 0,
    retain: true,
    properties: {
      payloadFormatIndicator: undefined,
      contentType: "text",
      responseTopic: undefined,
      correlationData: undefined,
      userProperties: [["a", "1"]],
    },
    publisher: { clientId: "w", username: undefined },
    will: false,
  });
  assert.deepEqual(seen[1]?.properties, {});
  assert.equal(reader.messages().length, 2);
});

test("properties are handed on, or replaced as a whole", async (t) => {
  let change: MessageChange = { payload: "y" };
  const { reader, writer } = await publishing(t, () => change);
  const properties = { contentType: "text", messageExpiryInterval: 60 };
  writer.publishWith(properties, "t", "x");
  change = { properties: { responseTopic: "r", userProperties: [["n", "v"]] } };
  writer.publishWith(properties, "t", "x");
  change = { properties: {} };
  writer.publishWith(properties, "t", "x");
  const got = reader.take().map((packet) => (packet.kind === "publish" ? packet.properties : {}));
  assert.deepEqual(
    got.map((one) => ({ ...one })),
    [
      { contentType: "text", messageExpiryInterval: 60 },
      { responseTopic: "r", userProperties: [["n", "v"]], messageExpiryInterval: 60 },
      { messageExpiryInterval: 60 },
    ],
  );
});

test("a change that is none is logged, and the message goes on as it was", async (t) => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ["other", /must answer nothing, "drop", or an object/],
    [5, /must answer nothing/],
    [async () => "drop", /must answer at once, not by a promise; nothing was changed/],
    [() => Promise.reject(new Error("late")), /must answer at once/],
    [{ topic: "a/+" }, /the topic must be a topic name; nothing was changed/],
    [{ topic: "" }, /the topic must be a topic name/],
    [{ topic: "a\0b" }, /the topic must be a topic name/],
    [{ topic: "/".repeat(300) }, /the topic must be a topic name/],
    [{ topic: "x".repeat(70_000) }, /the topic must be a topic name/],
    [{ topic: 5 }, /the topic must be a topic name/],
    [{ topic: "$CONTROL/x/v1" }, /must not be under \$CONTROL\//],
    [{ payload: 5 }, /the payload must be a text or a Uint8Array/],
    [{ payload: { a: 1 } }, /the payload must be a text or a Uint8Array/],
    [{ retain: "yes" }, /retain must be true or false/],
    [{ properties: 1 }, /properties must be an object/],
    [{ properties: { payloadFormatIndicator: 2 } }, /payloadFormatIndicator must be 0 or 1/],
    [{ properties: { contentType: 1 } }, /contentType must be a text/],
    [{ properties: { responseTopic: "a/#" } }, /responseTopic must be a topic name/],
    [{ properties: { correlationData: "x" } }, /correlationData must be a Uint8Array/],
    [{ properties: { userProperties: { a: "b" } } }, /userProperties must be a list of pairs/],
    [{ properties: { userProperties: [["a"]] } }, /userProperties must be a list of pairs/],
    [{ properties: { userProperties: [["a", 1]] } }, /userProperties must be a list of pairs/],
  ];
  for (const [answer, expected] of cases) {
    const { on, reader, writer } = await publishing(t, () =>
      typeof answer === "function" ? answer() : answer,
    );
    writer.publish("t", "x");
    assert.deepEqual(reader.messages(), ["t=x"]);
    const [line = ""] = logged(on, "error");
    assert.match(line, expected);
    assert.match(line, /plugin door: onPublish: /);
  }
});

test("an onPublish that throws changes nothing, and the log hears of it once a minute", async (t) => {
  const { on, reader, writer } = await publishing(t, () => {
    throw new Error("broken");
  });
  for (let count = 0; count < 50; count++) writer.publish("t", "x");
  assert.equal(reader.messages().length, 50);
  assert.equal(logged(on, "error").length, 1);
});

test("several plugins see a message one after the other, each as the one before has made it", async (t) => {
  const tag =
    (mark: string): CreatePlugin =>
    () => ({ onPublish: ({ payload }) => ({ payload: `${text(payload)}${mark}` }) });
  const on = await pluginStand(t, {
    one: tag("1"),
    picky: of({ onPublish: ({ payload }) => (text(payload) === "no1" ? "drop" : undefined) }),
    two: tag("2"),
  });
  const client = on.broker.connect5("c");
  client.subscribe("#");
  client.publish("t", "x");
  client.publish("t", "no");
  assert.deepEqual(client.messages(), ["t=x12"]);
});

test("wills are shown as such; what the broker says itself and requests to it are not shown", async (t) => {
  const seen: string[] = [];
  const { on, reader, writer } = await publishing(t, ({ topic, will, publisher }) => {
    seen.push(`${topic} ${will} ${publisher.clientId} ${publisher.username}`);
    return topic === "will" ? { payload: "changed" } : undefined;
  });
  const will = { topic: "will", payload: bytes("gone"), qos: 1, retain: true } as const;
  on.broker.connect("dying", { will, username: "ada" }).break();
  on.broker.broker.announce("$SYS/x", bytes("1"), false);
  writer.publish("$CONTROL/dynamic-security/v1", "{}");
  assert.deepEqual(seen, ["will true dying ada"]);
  assert.deepEqual(reader.messages(), ["will=changed q1"]);
});

test("a delayed will is shown when it is published, under the name it was left by", async (t) => {
  const seen: string[] = [];
  const { on } = await publishing(t, ({ topic, publisher }) => {
    seen.push(`${topic} ${publisher.clientId} ${publisher.username}`);
  });
  const will = {
    topic: "will",
    payload: bytes("gone"),
    qos: 0,
    retain: false,
    properties: { willDelayInterval: 5 },
  } as const;
  on.broker.connect5("dying", { sessionExpiryInterval: 100 }, { will, username: "ada" }).break();
  assert.deepEqual(seen, []);
  on.clock.advance(5000);
  assert.deepEqual(seen, ["will dying ada"]);
});

test("a plugin hears of clients that come and go, and of what they subscribe to", async (t) => {
  const seen: string[] = [];
  const on = await pluginStand(t, {
    door: of({
      onConnect: ({ clientId, username, origin, remote }) => {
        seen.push(`+${clientId} ${username} ${origin} ${remote}`);
      },
      onDisconnect: ({ clientId }, how) => {
        seen.push(`-${clientId} ${how}`);
      },
      onSubscribe: ({ client, filter, qos }) => {
        seen.push(`${client.clientId} ${filter} ${qos}`);
      },
      onUnsubscribe: ({ client, filter, qos }) => {
        seen.push(`${client.clientId} no ${filter} ${qos}`);
      },
    }),
  });
  const client = on.broker.connect5("c", {}, { username: "ada" });
  client.subscribe("$share/g/t", 1);
  client.send({ kind: "unsubscribe", packetId: 1, filters: ["$share/g/t", "unknown"] });
  client.send({ kind: "disconnect" });
  on.broker.connect5("d").send({ kind: "disconnect", reasonCode: 4 });
  on.broker.connect5("e").break();
  on.broker.connect5("f");
  on.broker.connect5("f");
  assert.deepEqual(seen, [
    "+c ada mqtt 127.0.0.1:4711",
    "c $share/g/t 1",
    "c no $share/g/t undefined",
    "-c normal",
    "+d undefined mqtt 127.0.0.1:4711",
    "-d with-will",
    "+e undefined mqtt 127.0.0.1:4711",
    "-e lost",
    "+f undefined mqtt 127.0.0.1:4711",
    "-f lost",
    "+f undefined mqtt 127.0.0.1:4711",
  ]);
});

test("events that throw, at once or later, are logged and harm nobody", async (t) => {
  const fail = (what: string) => () => {
    throw new Error(what);
  };
  const on = await pluginStand(t, {
    door: of({
      onConnect: async () => {
        throw new Error("connect");
      },
      onDisconnect: fail("disconnect"),
      onSubscribe: fail("subscribe"),
      onUnsubscribe: () => Promise.reject(new Error("unsubscribe")),
    }),
  });
  const client = on.broker.connect5("c");
  client.subscribe("t");
  client.publish("t", "x");
  assert.deepEqual(client.messages(), ["t=x"]);
  client.send({ kind: "unsubscribe", packetId: 1, filters: ["t"] });
  client.send({ kind: "disconnect" });
  await on.settle();
  const lines = logged(on, "error").join("\n");
  for (const what of [
    "onConnect: connect",
    "onDisconnect: disconnect",
    "onSubscribe: subscribe",
    "onUnsubscribe: unsubscribe",
  ]) {
    assert.ok(lines.includes(`plugin door: ${what}`), lines);
  }
});

test("a plugin publishes in the broker's name, from its making on, seen by no plugin", async (t) => {
  const seen: string[] = [];
  let context: PluginContext | undefined;
  const on = await pluginStand(t, {
    door: (given) => {
      context = given;
      given.publish("early", "here", { retain: true });
      return {
        onPublish: ({ topic }) => {
          seen.push(topic);
          // From within: it must wait for its turn.
          if (topic === "ask") given.publish("answer", bytes("now"), { qos: 1 });
          return undefined;
        },
        authorize: () => "allow",
      };
    },
  });
  const client = on.broker.connect5("c");
  client.subscribe("#", 1);
  client.publish("ask", "?");
  await on.settle();
  assert.deepEqual(client.messages(), ["early=here retain", "ask=?", "answer=now q1"]);
  assert.deepEqual(seen, ["ask"]);
  for (const [topic, payload, how, expected] of [
    ["a/#", "x", {}, /topic name/],
    ["$CONTROL/x", "x", {}, /\$CONTROL/],
    ["t", 5, {}, /payload must be/],
    ["t", "x", { qos: 3 }, /qos must be/],
  ] as const) {
    assert.throws(() => context?.publish(topic, payload as string, how as object), expected);
  }
});

test("a plugin knows who is connected, and may close their connections", async (t) => {
  let context: PluginContext | undefined;
  const on = await pluginStand(t, {
    door: (given) => {
      context = given;
      return {};
    },
  });
  const client = on.broker.connect5("c", {}, { username: "ada" });
  on.broker.connect5("d");
  assert.deepEqual(
    context?.clients.list().map(({ clientId }) => clientId),
    ["c", "d"],
  );
  assert.equal(context?.clients.get("c")?.username, "ada");
  assert.equal(context?.clients.get("x"), undefined);
  context?.clients.disconnect("c");
  assert.equal(client.closed, false, "not in the middle of what goes on");
  await on.settle();
  assert.deepEqual(client.take(), [{ kind: "disconnect", reasonCode: 0x98 }]);
  assert.equal(client.closed, true);
  assert.deepEqual(
    context?.clients.list().map(({ clientId }) => clientId),
    ["d"],
  );
});

test("lines of a plugin's log carry its name", async (t) => {
  const on = await pluginStand(t, {
    door: ({ log }) => {
      for (const level of ["debug", "info", "notice", "warn", "error"] as const) log[level](level);
      return {};
    },
  });
  for (const level of ["debug", "info", "notice", "warn", "error"]) {
    assert.ok(on.log.lines.includes(`${level}: plugin door: ${level}`));
  }
});

test("a plugin that does not stop is not waited for", async (t) => {
  const { host, clock } = pluginHost(t, { door: of({ stop: () => new Promise(() => {}) }) });
  await host.start();
  const stopped = host.stop();
  clock.advance(1000);
  await stopped;
});

test("after its stop a plugin has no say any more", async (t) => {
  let context: PluginContext | undefined;
  const on = await pluginStand(t, {
    door: (given) => {
      context = given;
      return { stop: () => given.publish("bye", "x", { retain: true }) };
    },
  });
  await on.host.stop();
  context?.publish("late", "x", { retain: true });
  await on.settle();
  const client = on.broker.connect5("c");
  client.subscribe("#");
  assert.deepEqual(client.messages(), ["bye=x retain"]);
});
