/** Nodes passed on to Debian's Mosquitto, in both modes, with real sockets and processes. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { TestCa } from "../kit/certificates.ts";
import { freePort } from "../kit/ports.ts";
import {
  midge,
  mosquittoPub,
  mosquittoSub,
  type Program,
  type RunningMidge,
  type RunningMosquitto,
  runToEnd,
  startMidge,
  startMosquitto,
  temporaryFolder,
} from "../kit/processes.ts";

const MODES = ["transparent", "aggregating"] as const;
const PROTOCOLS = ["mqttv311", "mqttv5"] as const;

interface Site {
  readonly midge: RunningMidge;
  readonly mosquitto: RunningMosquitto;
}

async function site(
  t: TestContext,
  mode: (typeof MODES)[number],
  more = "",
  mosquittoMore = "",
): Promise<Site> {
  const mosquitto = await startMosquitto(t, { more: mosquittoMore });
  return { mosquitto, midge: await startMidge(t, { more: gateway(mosquitto.port, mode, more) }) };
}

function gateway(port: number, mode: string, more: string): string {
  return `[gateway]\nupstream = "mqtt://127.0.0.1:${port}"\nupstream_mode = "${mode}"\n${more}`;
}

function snPub(t: TestContext, { udpPort }: RunningMidge, ...words: string[]): Program {
  return midge(t, "sn-pub", "-h", "127.0.0.1", "-p", String(udpPort), ...words);
}

async function snSub(
  t: TestContext,
  { udpPort }: RunningMidge,
  ...words: string[]
): Promise<Program> {
  const program = midge(
    t,
    "sn-sub",
    "-h",
    "127.0.0.1",
    "-p",
    String(udpPort),
    "-v",
    "-d",
    ...words,
  );
  await program.until((text) => /suback/i.test(text), "SUBACK");
  return program;
}

/** What has come, in lines "topic payload". */
function arrived(program: Program, topic: string): string[] {
  return program.lines.filter((line) => line.startsWith(`${topic} `));
}

for (const mode of MODES) {
  for (const protocol of PROTOCOLS) {
    describe(`${mode}, ${protocol}`, () => {
      const options = `upstream_protocol = "${protocol}"\n`;

      it("messages go both ways at every QoS", async (t) => {
        const { midge: box, mosquitto } = await site(t, mode, options);
        const cloud = await mosquittoSub(t, mosquitto.port, "up/#", "-q", "2");
        for (const qos of ["0", "1", "2"]) {
          const words = ["-t", "up/x", "-m", `q${qos}`, "-q", qos, "-i", "node"];
          const program = snPub(t, box, ...words);
          assert.equal(await program.end(), 0, program.errors);
        }
        await cloud.until((text) => text.includes("up/x q2"), "the last message");
        assert.deepEqual(arrived(cloud, "up/x"), ["up/x q0", "up/x q1", "up/x q2"]);
        const node = await snSub(t, box, "-t", "down/#", "-q", "2", "-i", "sub");
        for (const qos of ["0", "1", "2"]) {
          await mosquittoPub(t, mosquitto.port, "-t", "down/x", "-m", `q${qos}`, "-q", qos);
          await node.until((text) => text.includes(`down/x q${qos}`), `QoS ${qos}`);
        }
        assert.deepEqual(arrived(node, "down/x"), ["down/x q0", "down/x q1", "down/x q2"]);
      });

      it("retained messages come to each node that subscribes, once", async (t) => {
        const { midge: box, mosquitto } = await site(t, mode, options);
        await mosquittoPub(t, mosquitto.port, "-t", "state", "-m", "on", "-r", "-q", "1");
        const [one, other] = [
          await snSub(t, box, "-t", "state", "-q", "1", "-i", "one"),
          await snSub(t, box, "-t", "state", "-q", "1", "-i", "other"),
        ];
        for (const node of [one, other])
          await node.until((text) => text.includes("state on"), "it");
        await mosquittoPub(t, mosquitto.port, "-t", "state", "-m", "off", "-q", "1");
        for (const node of [one, other]) {
          await node.until((text) => text.includes("state off"), "the change");
          assert.deepEqual(arrived(node, "state"), ["state on", "state off"]);
        }
      });
    });
  }

  describe(mode, () => {
    it("a will is published when the node is lost", async (t) => {
      const { midge: box, mosquitto } = await site(t, mode);
      const cloud = await mosquittoSub(t, mosquitto.port, "wills/#");
      const will = ["--will-topic", "wills/n", "--will-payload", "gone", "--will-qos", "1"];
      const node = await snSub(t, box, "-t", "x", "-i", "n", "-k", "2", ...will);
      node.signal("SIGKILL");
      await cloud.until((text) => text.includes("wills/n gone"), "the will");
    });

    it("what comes for a sleeping node is there when it comes back", async (t) => {
      const { midge: box, mosquitto } = await site(t, mode);
      const words = ["-t", "cmd", "-q", "1", "-i", "sleeper", "-c"];
      const before = await snSub(t, box, ...words);
      before.signal("SIGINT");
      await before.end();
      // More than Midge keeps in memory for one session; Mosquitto, whose queue it is else, keeps fewer.
      const count = mode === "aggregating" ? 600 : 3;
      const texts = Array.from({ length: count }, (_, n) => `${n + 1}`);
      const pub = ["-h", "127.0.0.1", "-p", `${mosquitto.port}`, "-t", "cmd", "-q", "1", "-l"];
      const lines = texts.map((text) => `${text}\n`).join("");
      assert.equal((await runToEnd(t, "mosquitto_pub", pub, lines)).code, 0);
      const after = midge(
        t,
        "sn-sub",
        "-h",
        "127.0.0.1",
        "-p",
        String(box.udpPort),
        "-v",
        ...words,
      );
      await after.until((text) => text.includes(`cmd ${count}\n`), "the last one");
      assert.deepEqual(
        arrived(after, "cmd"),
        texts.map((text) => `cmd ${text}`),
      );
    });

    it("a node that sleeps fetches what came meanwhile", async (t) => {
      const { midge: box, mosquitto } = await site(t, mode);
      const node = await snSub(t, box, "-t", "cmd", "-q", "1", "-i", "s", "--sleep", "1");
      await box.until((text) => text.includes("asleep"), "sleep");
      for (const text of ["1", "2", "3"]) {
        await mosquittoPub(t, mosquitto.port, "-t", "cmd", "-m", text, "-q", "2");
      }
      await node.until((text) => text.includes("cmd 3"), "the last one");
      assert.deepEqual(arrived(node, "cmd"), ["cmd 1", "cmd 2", "cmd 3"]);
    });

    it("goes on when the upstream broker was killed and is back, without its sessions", async (t) => {
      const { midge: box, mosquitto } = await site(t, mode);
      const node = await snSub(t, box, "-t", "down", "-q", "1", "-i", "n", "-k", "600");
      mosquitto.signal("SIGKILL");
      await mosquitto.ended;
      await box.until((text) => /upstream .*: (connection|refused)/.test(text), "word of it");
      const refused = snPub(t, box, "-t", "up", "-m", "x", "-q", "1", "-i", "p", "-d");
      await refused.until((text) => text.includes("received CONNACK (congestion)"), "a refusal");
      const back = await startMosquitto(t, { port: mosquitto.port });
      await back.until((text) => /Sending SUBACK/.test(text), "the subscription again");
      await mosquittoPub(t, back.port, "-t", "down", "-m", "again", "-q", "1");
      await node.until((text) => text.includes("down again"), "a message");
    });

    it("nodes come in over a gateway that was killed, with their subscriptions", async (t) => {
      const { midge: box, mosquitto } = await site(t, mode);
      const node = await snSub(t, box, "-t", "down", "-q", "1", "-i", "n", "-k", "600", "-c");
      box.signal("SIGKILL");
      await box.ended;
      await mosquittoPub(t, mosquitto.port, "-t", "down", "-m", "meanwhile", "-q", "1");
      await startMidge(t, { like: box, more: gateway(mosquitto.port, mode, "") });
      await mosquittoPub(t, mosquitto.port, "-t", "down", "-m", "after", "-q", "1");
      await node.until((text) => text.includes("down after"), "both");
      assert.deepEqual(arrived(node, "down"), ["down meanwhile", "down after"]);
    });
  });
}

describe("transparent", () => {
  async function withUsers(t: TestContext, more: string): Promise<Site> {
    const folder = temporaryFolder(t);
    const passwords = join(folder, "passwords");
    writeFileSync(passwords, "node-a:secret-a\nmeters:m\n");
    const hashed = await runToEnd(t, "mosquitto_passwd", ["-U", passwords]);
    assert.equal(hashed.code, 0, hashed.errors);
    const rules = join(folder, "acl");
    writeFileSync(rules, "user node-a\ntopic readwrite ok/#\nuser meters\ntopic readwrite #\n");
    const users = `user root\npassword_file ${passwords}\nacl_file ${rules}\nallow_anonymous false`;
    const port = await freePort();
    const mosquitto = await startMosquitto(t, { port, more: users });
    return { mosquitto, midge: await startMidge(t, { more: gateway(port, "transparent", more) }) };
  }

  const LOGINS = `upstream_username = "node-%c"
upstream_password = "secret-%c"
[[upstream_login]]
client_id = "meter-*"
username = "meters"
password = "m"
`;

  it("nodes log in by rule, and a wrong password refuses the node alone", async (t) => {
    const { midge: box } = await withUsers(t, LOGINS);
    assert.equal(await snPub(t, box, "-i", "a", "-t", "ok/t", "-m", "x", "-q", "1").end(), 0);
    assert.equal(await snPub(t, box, "-i", "meter-7", "-t", "any", "-m", "x", "-q", "1").end(), 0);
    const wrong = snPub(t, box, "-i", "b", "-t", "ok/t", "-m", "x", "-q", "1");
    assert.notEqual(await wrong.end(), 0);
    assert.match(box.output + box.errors, /"b": connection refused by the broker: Not authorized/);
  });

  it("a message that the upstream broker refuses is not acknowledged", async (t) => {
    const { midge: box } = await withUsers(t, LOGINS);
    const refused = snPub(t, box, "-i", "a", "-t", "secret/t", "-m", "x", "-q", "1");
    assert.notEqual(await refused.end(), 0);
  });

  it("the way there may be TLS, and WebSocket, with a CA of one's own", async (t) => {
    const ca = new TestCa(temporaryFolder(t));
    const { cert, key } = ca.issue("server");
    const port = await freePort();
    const webSocketPort = await freePort();
    const tls = `certfile ${cert}\nkeyfile ${key}\n`;
    await startMosquitto(t, {
      more: `user root\nlistener ${port} 127.0.0.1\n${tls}listener ${webSocketPort} 127.0.0.1\nprotocol websockets\n${tls}`,
    });
    for (const url of [`mqtts://localhost:${port}`, `wss://localhost:${webSocketPort}/mqtt`]) {
      const more = `[gateway]\nupstream = "${url}"\nupstream_ca_file = ${JSON.stringify(ca.cert)}\n`;
      const box = await startMidge(t, { more });
      const program = snPub(t, box, "-t", "up", "-m", url, "-q", "1", "-i", "n");
      assert.equal(await program.end(), 0, program.errors + box.output);
      box.signal("SIGTERM");
      assert.equal(await box.end(), 0);
    }
    const without = await startMidge(t, {
      more: `[gateway]\nupstream = "mqtts://localhost:${port}"\n`,
    });
    const refused = snPub(t, without, "-t", "up", "-m", "x", "-q", "1", "-i", "n", "-d");
    await refused.until((text) => text.includes("received CONNACK (congestion)"), "a refusal");
    await without.until((text) => text.includes("the broker's certificate"), "the cause");
  });

  it("200 nodes at a time connect, publish and are told apart", async (t) => {
    const { midge: box, mosquitto } = await site(t, "transparent");
    const cloud = await mosquittoSub(t, mosquitto.port, "up/#");
    const load = ["--nodes", "200", "--interval", "1", "-q", "1", "-t", "up/%n", "--duration", "6"];
    const program = midge(t, "simulate", "-h", "127.0.0.1", "-p", String(box.udpPort), ...load);
    assert.equal(await program.end(), 0, program.errors);
    const topics = new Set(cloud.lines.map((line) => line.split(" ")[0]));
    assert.equal([...topics].filter((topic) => topic?.startsWith("up/")).length, 200);
    const clients = mosquitto.errors.match(/New client connected from .* as (?!auto-)\S+/g) ?? [];
    assert.ok(clients.length >= 200, `${clients.length} clients`);
  });
});
