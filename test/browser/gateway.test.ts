/** The whole way: an MQTT-SN node on UDP, the program as built, and what its dashboard shows. */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { test } from "node:test";
import { launchBrowser } from "../kit/browser.ts";
import { hex } from "../kit/hex.ts";
import { mosquittoPub, startMidge } from "../kit/processes.ts";

/** Sends frames of MQTT-SN one after the other, each once the one before was answered. */
async function converse(socket: Socket, frames: readonly string[]): Promise<void> {
  for (const frame of frames) {
    const answered = new Promise((resolve) => socket.once("message", resolve));
    socket.send(hex(frame));
    await answered;
  }
}

test("a node and its values appear on the dashboard, and it is seen falling asleep", {
  timeout: 90_000,
}, async (t) => {
  const midge = await startMidge(t);
  const browser = await launchBrowser();
  t.after(() => browser.close());
  const node = createSocket("udp4");
  t.after(() => node.close());
  await new Promise<void>((resolve) => node.connect(midge.udpPort, "127.0.0.1", resolve));

  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${midge.httpPort}/`);
  await page.getByRole("status").getByText("Live").waitFor();
  await page.getByText("No node yet.").waitFor();

  await converse(node, [
    "0d 04 04 01 003c 736f696c2d3033", // CONNECT soil-03, clean, keep alive 60 s
    "0f 0a 0000 0001 67617264656e2f3033", // REGISTER garden/03
    "0b 0c 20 0001 0002 34312e37", // PUBLISH 41.7 at QoS 1
  ]);
  const row = page.locator("table.nodes tbody tr").filter({ hasText: "soil-03" });
  await row.getByText("Active").waitFor();
  const value = page.locator("table.values tbody tr").filter({ hasText: "garden/03" });
  await value.getByText("41.7").waitFor();

  await mosquittoPub(t, midge.mqttPort, "-t", "house/door", "-m", "open", "-r");
  await page.locator("table.values").getByText("house/door").waitFor();

  await converse(node, ["04 18 0258"]); // DISCONNECT for 600 s
  await row.getByText("Asleep").waitFor();
  assert.deepEqual(complaints, []);
});
