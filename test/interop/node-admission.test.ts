/** Who may connect as an MQTT-SN node, and what nodes may do: the whole program, managed from outside. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  midge,
  type RunningMidge,
  runToEnd,
  startMidge,
  temporaryFolder,
} from "../kit/processes.ts";

const HOST = "127.0.0.1";
const CONGESTION = 1;
const NOT_SUPPORTED = 3;
const TOPIC = "$CONTROL/gateway/v1";
const PAIRING = '[gateway]\nadmission = "pairing"\n';

/** `midge sn-pub` at QoS 1 under a ClientId; answers its exit code and what it complains of. */
async function snPub(t: TestContext, server: RunningMidge, clientId: string, topic = "t") {
  const place = ["-h", HOST, "-p", String(server.udpPort)];
  const program = midge(t, "sn-pub", ...place, "-i", clientId, "-t", topic, "-m", "x", "-q", "1");
  const code = await program.end();
  return { code, errors: program.errors };
}

/** CONNECT of a node that waits for nothing more; answers the return code of CONNACK. */
async function connect(server: RunningMidge, clientId: string): Promise<number | undefined> {
  const socket = createSocket("udp4");
  try {
    const answer = once(socket, "message", { signal: AbortSignal.timeout(10_000) });
    const head = [6 + clientId.length, 0x04, 0x04, 0x01, 0, 60];
    socket.send(Buffer.concat([Buffer.from(head), Buffer.from(clientId)]), server.udpPort, HOST);
    const [connack] = (await answer) as [Buffer];
    assert.equal(connack[1], 0x05, "CONNACK");
    return connack[2];
  } finally {
    socket.close();
  }
}

async function ctrl(t: TestContext, server: RunningMidge, ...words: string[]) {
  const program = midge(t, "ctrl", "-p", String(server.mqttPort), "gateway", ...words);
  const code = await program.end();
  return { code, output: program.output, errors: program.errors };
}

/** A request by Mosquitto's clients; answers the responses. */
async function request(t: TestContext, server: RunningMidge, ...commands: object[]) {
  const port = ["-p", String(server.mqttPort)];
  const message = ["-m", JSON.stringify({ commands })];
  const words = [...port, "-t", TOPIC, "-e", `${TOPIC}/response`, ...message, "-W", "10"];
  const { output } = await runToEnd(t, "mosquitto_rr", words);
  return JSON.parse(output).responses;
}

test("a node is refused until it is approved, and stays approved over a restart", async (t) => {
  const server = await startMidge(t, { more: PAIRING });
  assert.equal(await connect(server, "meter"), CONGESTION);
  await server.until((text) => /node "meter" at udp-\d+\/127.* wants in/.test(text), "candidate");
  const candidates = await ctrl(t, server, "listCandidates");
  assert.match(candidates.output, /^meter\tudp-\d+\/127\.0\.0\.1:\d+\tseen .*\tattempts \d+\n$/);
  assert.deepEqual(await ctrl(t, server, "approveNode", "meter"), {
    code: 0,
    output: "",
    errors: "",
  });
  assert.equal((await snPub(t, server, "meter")).code, 0);
  server.signal("SIGKILL");
  await server.end();
  const again = await startMidge(t, { more: PAIRING, like: server });
  assert.equal((await snPub(t, again, "meter")).code, 0);
  assert.equal(await connect(again, "other"), CONGESTION);
  const nodes = await ctrl(t, again, "listNodes");
  assert.equal(nodes.output, "meter\n");
  const node = await ctrl(t, again, "getNode", "meter");
  assert.match(node.output, /^clientid: meter\nstate: disconnected\n/);
  assert.match(node.output, /\nadmission: approved\n/);
  assert.equal((await ctrl(t, again, "removeNode", "meter")).code, 0);
  assert.equal(await connect(again, "meter"), CONGESTION);
});

test("pairing is opened with mosquitto_rr and mosquitto_pub, which answer and act alike", async (t) => {
  const server = await startMidge(t, { more: PAIRING });
  assert.deepEqual(
    await request(t, server, { command: "OPENPAIRING", seconds: 60, correlationData: "1" }),
    [
      {
        command: "openPairing",
        data: { open: true, secondsLeft: 60, paired: 0, candidates: 0 },
        correlationData: "1",
      },
    ],
  );
  assert.equal((await snPub(t, server, "meter")).code, 0);
  const close = JSON.stringify({ commands: [{ command: "closePairing" }] });
  const words = ["-p", String(server.mqttPort), "-t", TOPIC, "-q", "1", "-m", close];
  assert.equal((await runToEnd(t, "mosquitto_pub", words)).code, 0);
  assert.equal(await connect(server, "late"), CONGESTION);
  const [decisions, nonsense] = await request(
    t,
    server,
    { command: "listDecisions" },
    { command: "approveNode" },
  );
  assert.equal(decisions.data.decisions[0].clientid, "meter");
  assert.deepEqual(nonsense, { command: "approveNode", error: "Invalid/missing clientid" });
});

test("only who may publish to the control topic manages nodes", async (t) => {
  const folder = temporaryFolder(t);
  const acl = join(folder, "acl");
  writeFileSync(acl, "topic readwrite t\ntopic read $CONTROL/#\n");
  const more = `${PAIRING}[access]\nacl_file = ${JSON.stringify(acl)}\n`;
  const server = await startMidge(t, { more });
  const command = midge(t, "ctrl", "-p", String(server.mqttPort), "gateway", "openPairing", "60");
  await server.until((text) => /Denied PUBLISH.*\$CONTROL/.test(text), "refusal");
  command.signal("SIGTERM");
  await command.end();
  assert.equal(await connect(server, "meter"), CONGESTION);
});

test("the ACL file of [access] binds nodes, by ClientId, and changes with SIGHUP", async (t) => {
  const folder = temporaryFolder(t);
  const acl = join(folder, "acl");
  writeFileSync(acl, "pattern readwrite nodes/%c/#\n");
  const more = `[access]\nacl_file = ${JSON.stringify(acl)}\n`;
  const server = await startMidge(t, { more });
  assert.equal((await snPub(t, server, "a", "nodes/a/t")).code, 0);
  assert.notEqual((await snPub(t, server, "a", "nodes/b/t")).code, 0);
  assert.notEqual((await snPub(t, server, "+", "nodes/b/t")).code, 0);
  writeFileSync(acl, "topic readwrite nodes/b/#\n");
  server.signal("SIGHUP");
  await server.until((text) => text.includes("Configuration unchanged."), "reload");
  assert.equal((await snPub(t, server, "a", "nodes/b/t")).code, 0);
});

test("nodes that are not listed do not connect where admission is known", async (t) => {
  const more = '[gateway]\nadmission = "known"\n[[node]]\nclient_id = "sensor-*"\n';
  const server = await startMidge(t, { more });
  assert.equal((await snPub(t, server, "sensor-1")).code, 0);
  assert.equal(await connect(server, "stranger"), NOT_SUPPORTED);
});
