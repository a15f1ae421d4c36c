/** Plugins in the real program: the example that comes with Midge, and what bad ones do. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { IAuthPacket } from "mqtt-packet";
import { freePort } from "../kit/ports.ts";
import {
  midge,
  mosquittoPub,
  mosquittoSub,
  type Program,
  runToEnd,
  temporaryFolder,
} from "../kit/processes.ts";
import { ScramClient } from "../kit/scram-client.ts";

const EXAMPLE = new URL("../../config/example-plugin.mjs", import.meta.url);
const KEY = "a long secret";

interface Running {
  readonly program: Program;
  readonly port: number;
  readonly folder: string;
}

/** A configuration in a folder of its own, beside these modules. */
async function configure(
  t: TestContext,
  modules: Readonly<Record<string, string | URL>>,
  more: string | ((folder: string) => string),
): Promise<{ file: string; port: number; folder: string }> {
  const folder = temporaryFolder(t);
  for (const [name, module] of Object.entries(modules)) {
    if (typeof module === "string") writeFileSync(join(folder, name), module);
    else cpSync(module, join(folder, name));
  }
  const port = await freePort();
  const file = join(folder, "midge.toml");
  writeFileSync(
    file,
    `[[listener]]
port = ${port}
[http]
enabled = false
[gateway]
enabled = false
[store]
path = ${JSON.stringify(join(folder, "data"))}
${typeof more === "string" ? more : more(folder)}
`,
  );
  return { file, port, folder };
}

async function start(
  t: TestContext,
  modules: Readonly<Record<string, string | URL>>,
  more: string | ((folder: string) => string),
): Promise<Running> {
  const { file, port, folder } = await configure(t, modules, more);
  const program = midge(t, "run", "-c", file, "-v");
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  return { program, port, folder };
}

function connect(t: TestContext, port: number, options: IClientOptions): Promise<MqttClient> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...options,
  });
  t.after(() => client.end(true));
  return new Promise((resolve, reject) => {
    client.once("connect", () => resolve(client));
    client.once("error", reject);
  });
}

/** The next messages of a client, as "topic=payload". */
function messages(client: MqttClient, count: number): Promise<string[]> {
  const seen: string[] = [];
  return new Promise((resolve) => {
    client.on("message", (topic, payload) => {
      seen.push(`${topic}=${payload}`);
      if (seen.length === count) resolve(seen);
    });
  });
}

const proofOf = (text: string | Buffer): Buffer => createHmac("sha256", KEY).update(text).digest();
/** What all may do who are no devices stands in the ACL file. */
const exampleSection = (acl: string): string => `[access]
allow_anonymous = true
acl_file = ${JSON.stringify(acl)}
[[plugin]]
module = "example-plugin.mjs"
options = { key = "${KEY}", site = "east" }
`;

function startExample(t: TestContext): Promise<Running> {
  return start(t, { "example-plugin.mjs": EXAMPLE, acl: "topic readwrite #\n" }, (folder) =>
    exampleSection(join(folder, "acl")),
  );
}

test("the example plugin: devices by key, topics of their own, presence, marked messages", async (t) => {
  const { program, port } = await startExample(t);
  const watcher = await mosquittoSub(t, port, "presence/#");
  const who = { clientId: "d1", username: "device", password: proofOf("d1").toString("hex") };
  const device = await connect(t, port, who);
  const got = messages(device, 1);
  let properties: unknown;
  device.on("message", (_topic, _payload, packet) => {
    properties = packet.properties?.userProperties;
  });
  const granted = await device.subscribeAsync(["devices/d1/#", "devices/d2/#"]).catch(String);
  assert.ok(granted !== undefined);
  await device.publishAsync("devices/d1/empty", "");
  await device.publishAsync("devices/d1/t", "21.5");
  assert.deepEqual(await got, ["devices/d1/t=21.5"]);
  assert.deepEqual({ ...(properties as object) }, { site: "east" });
  await assert.rejects(device.publishAsync("devices/d2/t", "x", { qos: 1 }), /Not authorized/);
  await device.endAsync();
  await watcher.until((text) => text.includes("presence/d1 offline"), "the end of presence");
  await assert.rejects(connect(t, port, { ...who, clientId: "d2" }), /Not authorized/);
  await mosquittoSub(t, port, "#");
  await program.until((text) => /plugin example-plugin: .* reads everything/.test(text), "notice");
  program.signal("SIGTERM");
  assert.equal(await program.end(), 0);
  assert.match(program.output, /plugin example-plugin: that was the example/);
});

test("the example's method of enhanced authentication, with mqtt.js", async (t) => {
  const { port } = await startExample(t);
  const attempt = (answer: (challenge: Buffer) => Buffer): Promise<MqttClient> =>
    authenticate(t, port, "EXAMPLE-HMAC", undefined, (challenge) => answer(challenge));
  const client = await attempt((challenge) =>
    proofOf(Buffer.concat([challenge, Buffer.from("d1")])),
  );
  const got = messages(client, 1);
  await client.subscribeAsync("devices/d1/#");
  await client.publishAsync("devices/d1/t", "in");
  assert.deepEqual(await got, ["devices/d1/t=in"]);
  await client.endAsync();
  await assert.rejects(
    attempt((challenge) => proofOf(challenge)),
    /Not authorized/,
  );
});

/** mqtt.js by a method; `answer` is called with each challenge. */
function authenticate(
  t: TestContext,
  port: number,
  method: string,
  first: Uint8Array | undefined,
  answer: (challenge: Buffer) => Uint8Array,
  onConnack: (data: Buffer | undefined) => void = () => {},
): Promise<MqttClient> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    clientId: "d1",
    manualConnect: true,
    properties: {
      authenticationMethod: method,
      ...(first === undefined ? {} : { authenticationData: Buffer.from(first) }),
    },
  });
  t.after(() => client.end(true));
  client.handleAuth = (packet, done) => {
    const challenge = packet.properties?.authenticationData ?? Buffer.alloc(0);
    const reply: IAuthPacket = {
      cmd: "auth",
      reasonCode: 0x18,
      properties: {
        authenticationMethod: method,
        authenticationData: Buffer.from(answer(challenge)),
      },
    };
    done(undefined, reply);
  };
  const connected = new Promise<MqttClient>((resolve, reject) => {
    client.once("connect", (packet) => {
      onConnack(packet.properties?.authenticationData);
      resolve(client);
    });
    client.once("error", reject);
  });
  client.connect();
  return connected;
}

test("SCRAM-SHA-256 with mqtt.js, against a password file made by midge passwd", async (t) => {
  const { file, port, folder } = await configure(
    t,
    {},
    (inside) => `[access]\npassword_file = ${JSON.stringify(join(inside, "passwords"))}\n`,
  );
  const passwords = join(folder, "passwords");
  const made = midge(t, "passwd", "-c", "-b", "-H", "scram-sha-256", passwords, "ada", "pencil");
  assert.equal(await made.end(), 0, made.errors);
  assert.match(readFileSync(passwords, "utf8"), /^ada:\$scram-sha-256\$\d+\$/);
  const program = midge(t, "run", "-c", file, "-v");
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  const login = async (password: string): Promise<boolean> => {
    const scram = new ScramClient({ username: "ada", password, nonce: "c1ient" });
    let known = false;
    const client = await authenticate(
      t,
      port,
      "SCRAM-SHA-256",
      scram.first(),
      (challenge) => scram.final(challenge),
      (data) => {
        known = scram.knows(data);
      },
    );
    const got = messages(client, 1);
    await client.subscribeAsync("t");
    await client.publishAsync("t", "in");
    assert.deepEqual(await got, ["t=in"]);
    await client.endAsync();
    return known;
  };
  assert.equal(await login("pencil"), true);
  await assert.rejects(login("wrong"), /Not authorized/);
  // The same record serves whoever sends the password itself.
  await mosquittoPub(t, port, "-u", "ada", "-P", "pencil", "-t", "t", "-m", "x");
  const wrong = ["-h", "127.0.0.1", "-p", String(port), "-u", "ada", "-P", "no", "-t", "t"];
  const refused = await runToEnd(t, "mosquitto_pub", [...wrong, "-m", "x"]);
  assert.notEqual(refused.code, 0);
});

const STRAYS = `
import { connect } from "node:net";
export default function create({ options }) {
  return {
    onPublish({ topic }) {
      if (topic === "timer") setTimeout(() => { throw new Error("in a timer"); }, 1);
      if (topic === "promise") Promise.reject(new Error("in a promise"));
      if (topic === "socket") connect(options.port, "127.0.0.1");
      if (topic === "throw") throw new Error("at once");
    },
    authorize({ topic }) {
      if (topic === "from/authorize") queueMicrotask(() => { throw new Error("in a microtask"); });
      return "allow";
    },
    async onSubscribe() { throw new Error("in an event"); },
  };
}`;

test("nothing that a plugin throws, wherever it does, takes the broker down", async (t) => {
  const closed = await freePort();
  const { program, port } = await start(
    t,
    { "strays.mjs": STRAYS },
    `[access]\nallow_anonymous = true\n[[plugin]]\nmodule = "strays.mjs"\noptions = { port = ${closed} }\n`,
  );
  const watcher = await mosquittoSub(t, port, "#");
  for (const topic of ["timer", "promise", "socket", "throw", "from/authorize", "last"]) {
    await mosquittoPub(t, port, "-t", topic, "-m", "x", "-q", "1");
  }
  await watcher.until((text) => text.includes("last x"), "the last message");
  const stray = "something it left to itself: ";
  for (const what of [
    "onPublish: at once (strays.mjs:",
    "onSubscribe: in an event (strays.mjs:",
    `${stray}in a timer (strays.mjs:`,
    `${stray}in a promise (strays.mjs:`,
    `${stray}in a microtask (strays.mjs:`,
    `${stray}connect ECONNREFUSED`,
  ]) {
    await program.until((text) => text.includes(`plugin strays: ${what}`), what);
  }
  await mosquittoPub(t, port, "-t", "still", "-m", "here", "-q", "1");
  await watcher.until((text) => text.includes("still here"), "a message after all that");
  program.signal("SIGTERM");
  assert.equal(await program.end(), 0);
});

test("a plugin that cannot be used keeps Midge from starting, with its file and what is wrong", async (t) => {
  const { file, port, folder } = await configure(
    t,
    { "bad.mjs": "export default () => ({\n  authenticate: 5,\n});" },
    '[[plugin]]\nmodule = "bad.mjs"\n',
  );
  const program = midge(t, "run", "-c", file);
  assert.equal(await program.end(), 3);
  const text = program.output + program.errors;
  assert.ok(
    text.includes(
      `plugin "bad" (${folder}/bad.mjs): authenticate must be a function, not a number`,
    ),
    text,
  );
  assert.doesNotMatch(text, /\bat .*:\d+:\d+/);
  await assert.rejects(
    new Promise((resolve, reject) => {
      connectSocket(port, "127.0.0.1").once("connect", resolve).once("error", reject);
    }),
    /ECONNREFUSED/,
  );
});

test("a module that is not there is a mistake of the configuration", async (t) => {
  const { file, folder } = await configure(t, {}, '[[plugin]]\nmodule = "gone.mjs"\n');
  const program = midge(t, "run", "-c", file);
  assert.notEqual(await program.end(), 0);
  const text = program.output + program.errors;
  assert.ok(text.includes(join(folder, "gone.mjs")), text);
});
