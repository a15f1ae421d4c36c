/** Plugins that decide who comes in, and what they may do there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectPacket, Packet } from "../../../../src/mqtt/packets.ts";
import type {
  AuthenticationStep,
  AuthorizationRequest,
  CreatePlugin,
  Plugin,
  PluginContext,
  PluginCredentials,
  Verdict,
} from "../../../../src/seams/plugin.ts";
import { type PluginStand, pluginStand } from "../../../kit/plugin-stand.ts";
import { connectPacket, type TestClient } from "../../../kit/test-broker.ts";

/** Reason codes of CONNACK: not authorised, server busy. */
const NO = 135;
const BUSY = 137;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A module that makes this plugin. */
function of(plugin: Plugin): CreatePlugin {
  return () => plugin;
}

function connect(on: PluginStand, username?: string, password?: string): TestClient {
  const client = on.broker.dial(5);
  const fields: Partial<ConnectPacket> = {
    level: 5,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: bytes(password) }),
  };
  client.send(connectPacket("c", fields));
  return client;
}

/** Reason code of the CONNACK that has come; undefined if none has. */
function answerOf(client: TestClient): number | undefined {
  const [packet] = client.take();
  return packet?.kind === "connack" ? packet.returnCode : undefined;
}

/** What is in the log at this level, without it. */
function logged(on: PluginStand, level: string): string[] {
  return on.log.lines
    .filter((line) => line.startsWith(`${level}: `))
    .map((line) => line.slice(level.length + 2));
}

test("a plugin lets in, keeps out, or leaves it to the next", async (t) => {
  const asked: PluginCredentials[] = [];
  const on = await pluginStand(t, {
    first: of({
      authenticate: (credentials) => {
        asked.push(credentials);
        return credentials.username === "ada" ? "allow" : "defer";
      },
    }),
    second: of({ authenticate: ({ username }) => (username === "bob" ? "allow" : "deny") }),
  });
  assert.equal(answerOf(connect(on, "ada", "p")), 0);
  assert.equal(answerOf(connect(on, "bob")), 0);
  assert.equal(answerOf(connect(on, "eve")), 135);
  assert.equal(answerOf(connect(on)), 135, "anonymous clients are asked about, too");
  assert.deepEqual(asked[0], {
    clientId: "c",
    username: "ada",
    password: bytes("p"),
    address: "127.0.0.1",
    listener: "main",
    origin: "mqtt",
  });
});

test("where all defer, a name is refused, and without one the listener decides", async (t) => {
  for (const [allowAnonymous, code] of [
    [true, 0],
    [false, 135],
  ] as const) {
    const on = await pluginStand(
      t,
      { shy: of({ authenticate: () => "defer" }) },
      { allowAnonymous },
    );
    const named = connect(on, "ada", "p");
    on.clock.advance(10);
    assert.equal(answerOf(named), 135);
    assert.equal(answerOf(connect(on)), code);
  }
});

test("a plugin without authenticate leaves the listener as it is", async (t) => {
  const on = await pluginStand(t, { watcher: of({ onConnect: () => {} }) });
  assert.equal(answerOf(connect(on, "ada")), 0);
});

test("the password file comes first, and its word counts", async (t) => {
  const asked: (string | undefined)[] = [];
  const on = await pluginStand(
    t,
    {
      door: of({
        authenticate: ({ username }) => {
          asked.push(username);
          return "allow";
        },
      }),
    },
    { users: { ada: "pencil" } },
  );
  const clients = [
    connect(on, "ada", "pencil"),
    connect(on, "ada", "wrong"),
    connect(on, "eve", "x"),
  ];
  on.clock.advance(10);
  assert.deepEqual(clients.map(answerOf), [0, 135, 0]);
  assert.deepEqual(asked, ["eve"]);
});

test("a plugin may send a client to another server", async (t) => {
  const useServer = "other.example.org:1884";
  const on = await pluginStand(t, { door: of({ authenticate: async () => ({ useServer }) }) });
  const client = connect(on, "ada", "p");
  await on.settle();
  assert.deepEqual(client.take(), [
    {
      kind: "connack",
      sessionPresent: false,
      returnCode: 0x9c,
      properties: { serverReference: useServer },
    },
  ]);
  const old = on.broker.dial(4);
  old.send(connectPacket("old"));
  await on.settle();
  assert.deepEqual(old.take(), [{ kind: "connack", sessionPresent: false, returnCode: 3 }]);
});

test("a server that is no text counts as a no", async (t) => {
  for (const useServer of [7, "a\u0000b", "x".repeat(1001)]) {
    const plugin = { authenticate: () => ({ useServer }) } as unknown as Plugin;
    const on = await pluginStand(t, { door: of(plugin) });
    const client = connect(on, "ada", "p");
    on.clock.advance(10);
    assert.equal(answerOf(client), NO);
    assert.deepEqual(logged(on, "error"), [
      "plugin door: authenticate: useServer must be a text of at most 1000 characters; taken for a no",
    ]);
  }
});

test("a promise may answer, and the client waits for it", async (t) => {
  let resolve: (verdict: Verdict) => void = () => {};
  const on = await pluginStand(t, {
    door: of({
      authenticate: () =>
        new Promise<Verdict>((done) => {
          resolve = done;
        }),
    }),
  });
  const client = connect(on, "ada", "p");
  client.send({ kind: "pingreq" });
  assert.equal(answerOf(client), undefined);
  resolve("allow");
  await on.settle();
  const packets = client.take();
  assert.deepEqual(
    packets.map(({ kind }) => kind),
    ["connack", "pingresp"],
  );
});

test("whatever goes wrong in a plugin counts as a no, and is logged with its name", async (t) => {
  const cases: readonly (readonly [NonNullable<Plugin["authenticate"]>, number, RegExp])[] = [
    [
      () => {
        throw new Error("no database");
      },
      BUSY,
      /^plugin door: authenticate: no database \(.+:\d+:\d+\)$|^plugin door: authenticate: no database$/,
    ],
    [
      () => Promise.reject(new TypeError("gone")),
      BUSY,
      /^plugin door: authenticate: TypeError: gone/,
    ],
    [() => Promise.reject("why"), BUSY, /^plugin door: authenticate: threw why$/],
    [
      () => "yes" as Verdict,
      NO,
      /^plugin door: authenticate: must answer "allow", "deny" or "defer", not "yes"; taken for a no$/,
    ],
    [() => undefined as unknown as Verdict, NO, /not undefined; taken for a no$/],
    [async () => true as unknown as Verdict, NO, /not true; taken for a no$/],
  ];
  for (const [authenticate, code, expected] of cases) {
    const on = await pluginStand(t, { door: of({ authenticate }) });
    const client = connect(on, "ada");
    await on.settle();
    assert.equal(answerOf(client), code);
    const [line = ""] = logged(on, "error");
    assert.match(line, expected);
  }
});

test("a promise that does not come in time counts as a no, and what comes then as nothing", async (t) => {
  let resolve: (verdict: Verdict) => void = () => {};
  const on = await pluginStand(t, {
    door: of({
      authenticate: () =>
        new Promise<Verdict>((done) => {
          resolve = done;
        }),
    }),
  });
  const client = connect(on, "ada");
  on.clock.advance(4999);
  assert.equal(answerOf(client), undefined);
  on.clock.advance(1);
  assert.equal(answerOf(client), BUSY);
  assert.deepEqual(logged(on, "error"), ["plugin door: authenticate: gave no answer within 5 s"]);
  resolve("allow");
  await on.settle();
  assert.equal(on.broker.broker.sessions.size, 0);
});

test("authorize is asked for each thing that a client does, with what it is about", async (t) => {
  const asked: AuthorizationRequest[] = [];
  const on = await pluginStand(t, {
    door: of({
      authenticate: () => "allow",
      authorize: (request) => {
        asked.push(
          request.action === "publish" ? { ...request, payload: request.payload.slice() } : request,
        );
        return request.topic.startsWith("secret") ? "deny" : "allow";
      },
    }),
  });
  const client = connect(on, "ada");
  client.takeConnack();
  assert.deepEqual(client.subscribe("#", 1), [1]);
  assert.deepEqual(client.subscribe("secret/#"), [135]);
  client.publish("open", "x", 1, 7, true);
  client.publish("secret/y", "y");
  client.send({ kind: "unsubscribe", packetId: 2, filters: ["#", "secret/#"] });
  const who = { clientId: "c", username: "ada" };
  assert.deepEqual(asked, [
    { action: "subscribe", ...who, topic: "#", qos: 1 },
    { action: "subscribe", ...who, topic: "secret/#", qos: 0 },
    { action: "publish", ...who, topic: "open", payload: bytes("x"), qos: 1, retain: true },
    { action: "receive", ...who, topic: "open" },
    { action: "publish", ...who, topic: "secret/y", payload: bytes("y"), qos: 0, retain: false },
    { action: "unsubscribe", ...who, topic: "#" },
    { action: "unsubscribe", ...who, topic: "secret/#" },
  ]);
  const packets = client.take();
  const unsuback = packets.find(
    (packet): packet is Packet & { kind: "unsuback" } => packet.kind === "unsuback",
  );
  assert.deepEqual(unsuback?.codes, [0, 135]);
});

test("a message goes to those alone who may receive it", async (t) => {
  const on = await pluginStand(t, {
    door: of({
      authorize: ({ action, clientId }) =>
        action === "receive" && clientId === "deaf" ? "deny" : "allow",
    }),
  });
  const deaf = on.broker.connect5("deaf");
  const other = on.broker.connect5("other");
  for (const client of [deaf, other]) client.subscribe("#");
  other.publish("t", "x");
  assert.deepEqual(other.messages(), ["t=x"]);
  assert.deepEqual(deaf.messages(), []);
});

test("an authorize that throws, or answers by a promise or by nonsense, is a no; the log hears of it once a minute", async (t) => {
  const answers: readonly (readonly [() => unknown, RegExp])[] = [
    [
      () => {
        throw new Error("broken");
      },
      /^plugin door: authorize: broken/,
    ],
    [
      async () => "allow",
      /^plugin door: authorize: must answer at once, not by a promise; taken for a no/,
    ],
    [() => Promise.reject(new Error("no")), /must answer at once/],
    [() => null, /must answer "allow", "deny" or "defer", not null; taken for a no/],
  ];
  for (const [answer, expected] of answers) {
    const on = await pluginStand(t, { door: of({ authorize: () => answer() as Verdict }) });
    const client = on.broker.connect5("c");
    for (let count = 0; count < 100; count++) client.publish("t", "x");
    await on.settle();
    const lines = logged(on, "error").filter((line) => expected.test(line));
    assert.equal(lines.length, 1, logged(on, "error").join("\n"));
    on.clock.advance(60_000);
    client.publish("t", "x");
    const again = logged(on, "error").filter((line) => expected.test(line));
    assert.equal(again.length, 2);
    assert.match(again[1] ?? "", /\(99 times more before\)$/);
    assert.equal(client.closed, false);
  }
});

test("rights that have changed take effect on what waits", async (t) => {
  let open = true;
  let context: PluginContext | undefined;
  const on = await pluginStand(t, {
    door: (given) => {
      context = given;
      return { authorize: ({ action }) => (action !== "receive" || open ? "allow" : "deny") };
    },
  });
  const reader = on.broker.connect5("r", { receiveMaximum: 1 });
  reader.subscribe("#", 1);
  const writer = on.broker.connect5("w");
  for (const text of ["1", "2"]) writer.publish("t", text, 1, Number(text));
  open = false;
  context?.rightsChanged();
  await on.settle();
  open = true;
  reader.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(reader.messages(), ["t=1 q1"]);
});

/** A client that has begun an exchange by the method "COUNT". */
function exchange(on: PluginStand, data: string, fields: Partial<ConnectPacket> = {}): TestClient {
  const client = on.broker.dial(5);
  const properties = { authenticationMethod: "COUNT", authenticationData: bytes(data) };
  client.send(connectPacket("c", { level: 5, properties, ...fields }));
  return client;
}

function step(next: (data: string) => unknown, abandoned?: () => void): CreatePlugin {
  return of({
    extendedAuthentication: {
      method: "COUNT",
      begin: () => ({
        next: (data) => next(new TextDecoder().decode(data)) as AuthenticationStep,
        ...(abandoned === undefined ? {} : { abandoned }),
      }),
    },
  });
}

test("a plugin's method of enhanced authentication, in several steps, some of them later", async (t) => {
  const begun: PluginCredentials[] = [];
  const on = await pluginStand(t, {
    counter: of({
      authenticate: () => "deny",
      authorize: ({ username }) => (username === "ada" ? "allow" : "deny"),
      extendedAuthentication: [
        {
          method: "COUNT",
          begin: (credentials) => {
            begun.push(credentials);
            return {
              next: async (data) =>
                new TextDecoder().decode(data) === "3"
                  ? { answer: "allow", username: "ada", data: bytes("4") }
                  : { answer: "continue", data: bytes("2") },
            };
          },
        },
      ],
    }),
  });
  const client = exchange(on, "1");
  await on.settle();
  const [challenge] = client.take();
  assert.ok(challenge?.kind === "auth");
  assert.deepEqual(challenge.properties?.authenticationData, bytes("2"));
  client.send({
    kind: "auth",
    reasonCode: 0x18,
    properties: { authenticationMethod: "COUNT", authenticationData: bytes("3") },
  });
  await on.settle();
  const [connack] = client.take();
  assert.ok(connack?.kind === "connack" && connack.returnCode === 0);
  assert.deepEqual(connack.properties?.authenticationData, bytes("4"));
  client.subscribe("#");
  client.publish("t", "x");
  assert.deepEqual(client.messages(), ["t=x"]);
  assert.equal(begun[0]?.clientId, "c");
});

test("a plugin's method that goes wrong refuses, and says why in the log", async (t) => {
  const cases: readonly (readonly [() => unknown, number, RegExp | undefined])[] = [
    [() => ({ answer: "deny" }), NO, undefined],
    [
      () => {
        throw new Error("broken");
      },
      BUSY,
      /^plugin p: authentication by COUNT: broken/,
    ],
    [() => Promise.reject(new Error("broken")), BUSY, /^plugin p: authentication by COUNT: broken/],
    [() => undefined, NO, /must answer \{ answer: "continue" \}/],
    [() => "allow", NO, /must answer \{ answer: "continue" \}/],
    [() => ({ answer: "allow" }), NO, /must name a user/],
    [() => ({ answer: "allow", username: "a\0b" }), NO, /must name a user/],
    [
      () => ({ answer: "continue", data: "text" }),
      NO,
      /data must be a Uint8Array of at most 65535 bytes/,
    ],
    [() => ({ answer: "continue", data: new Uint8Array(70_000) }), NO, /at most 65535 bytes/],
  ];
  for (const [next, code, expected] of cases) {
    const on = await pluginStand(t, { p: step(next) });
    const client = exchange(on, "1");
    await on.settle();
    assert.equal(answerOf(client), code);
    assert.equal(client.closed, true);
    const lines = logged(on, "error");
    if (expected === undefined) assert.deepEqual(lines, []);
    else assert.match(lines[0] ?? "", expected);
  }
});

test("without a name of its own, a method's yes is for the name of CONNECT", async (t) => {
  const on = await pluginStand(t, { p: step(() => ({ answer: "allow" })) });
  assert.equal(answerOf(exchange(on, "1", { username: "bob" })), 0);
  assert.equal(on.broker.broker.sessions.get("c")?.username, "bob");
});

test("a method whose client leaves hears of it; one that cannot begin refuses", async (t) => {
  let abandoned = 0;
  const on = await pluginStand(t, {
    p: step(
      () => ({ answer: "continue" }),
      () => {
        abandoned++;
        throw new Error("in vain");
      },
    ),
  });
  exchange(on, "1").break();
  assert.equal(abandoned, 1);
  assert.match(logged(on, "error")[0] ?? "", /in vain/);
  const broken = await pluginStand(t, {
    p: of({
      extendedAuthentication: {
        method: "COUNT",
        begin: () => {
          throw new Error("no begin");
        },
      },
    }),
  });
  assert.equal(answerOf(exchange(broken, "1")), 135);
  assert.match(logged(broken, "error")[0] ?? "", /no begin/);
});

test("a method's step that does not come in time is a no", async (t) => {
  const on = await pluginStand(t, { p: step(() => new Promise(() => {})) });
  const client = exchange(on, "1");
  on.clock.advance(5000);
  assert.equal(answerOf(client), BUSY);
});
