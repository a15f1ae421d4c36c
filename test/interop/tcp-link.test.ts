/** Links over TCP to a serial port that a server elsewhere offers. */
import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { makeFraming } from "../../src/links/framing/make-framing.ts";
import { LineNode } from "../kit/line-node.ts";
import { freePort } from "../kit/ports.ts";
import { mosquittoPub, startMidge } from "../kit/processes.ts";
import { until } from "../kit/pty-line.ts";

/** ser2net, as far as Midge sees it, with one node at its port. */
class PortServer {
  readonly node: LineNode;
  readonly #server: Server;
  #socket: Socket | undefined;
  connections = 0;

  constructor(t: TestContext) {
    this.node = new LineNode({
      clientId: "n",
      framing: makeFraming("slip-crc16", { maximumFrame: 1024, gap: 100 }),
      send: (bytes) => this.#socket?.write(bytes),
    });
    this.#server = createServer((socket) => {
      this.connections++;
      this.#socket = socket;
      socket.on("error", () => {});
      socket.on("data", (bytes) => this.node.feed(bytes));
    });
    t.after(() => {
      this.node.stop();
      this.cut();
      this.#server.close();
    });
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  cut(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }
}

test("a node at a remote serial port is served, over a server that comes late and a connection that breaks", async (t) => {
  const port = await freePort();
  const gateway = await startMidge(t, {
    more: `[[link]]\nname = "far"\ntype = "tcp"\nremote = "tcp://127.0.0.1:${port}"\nframing = "slip-crc16"\nretry_interval = 0.5\n`,
  });
  await gateway.until(
    (text) =>
      text.includes(`cannot connect to tcp://127.0.0.1:${port}: connection refused; waiting`),
    "the refusal",
  );
  const server = new PortServer(t);
  await server.listen(port);
  await until(() => server.connections === 1, "the connection");
  const { node } = server;
  assert.equal(await node.connect(), "accepted");
  assert.equal(await node.subscribe("down"), "accepted");
  server.cut();
  await gateway.until((text) => text.includes('link "far": lost'), "the loss");
  await mosquittoPub(t, gateway.mqttPort, "-t", "down", "-m", "kept", "-q", "1");
  await until(() => node.messages.length === 1, "the message");
  assert.deepEqual(node.messages, ["down kept"]);
  assert.equal(server.connections, 2);
});

test("a gateway that is told to stop while it dials does so at once", async (t) => {
  // An address of documentation, which nobody answers at.
  const gateway = await startMidge(t, {
    more: '[[link]]\ntype = "tcp"\nremote = "tcp://192.0.2.1:9"\n',
  });
  gateway.signal("SIGTERM");
  assert.equal(await gateway.end(), 0);
});
