/** The whole way: an MQTT-SN node on UDP, the program as built, and what its dashboard shows. */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { launchBrowser } from "../kit/browser.ts";
import { hex } from "../kit/hex.ts";
import { mosquittoPub, type RunningMidge, startMidge } from "../kit/processes.ts";
import { NO_SMALL_DISK, SmallDisk } from "../kit/small-disk.ts";

/** A page that shows the dashboard, connected. */
async function look(t: TestContext, midge: RunningMidge): Promise<Page> {
  const browser = await launchBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`http://127.0.0.1:${midge.httpPort}/`);
  await page.getByRole("status").getByText("Live").waitFor();
  return page;
}

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

const OFTEN = "[broker]\nsys_interval = 1";

test("damage found at the start stands at the top of the page until its folder is removed", {
  timeout: 90_000,
}, async (t) => {
  let midge = await startMidge(t);
  await mosquittoPub(t, midge.mqttPort, "-t", "kept", "-m", "1", "-r", "-q", "1");
  midge.signal("SIGKILL");
  await midge.end();
  const data = join(midge.folder, "data");
  writeFileSync(join(data, "store", "CURRENT"), new Uint8Array(16));
  midge = await startMidge(t, { like: midge, more: OFTEN });
  const aside = readdirSync(data).find((name) => name.startsWith("damaged-")) ?? "";
  const page = await look(t, midge);
  await page.getByRole("alert").getByText("Damaged files were found").waitFor();
  assert.deepEqual(await page.locator(".notice code").allTextContents(), [join(data, aside)]);
  await page.locator("table.values").getByText("kept").waitFor();
  rmSync(join(data, aside), { recursive: true });
  await page.getByRole("alert").waitFor({ state: "detached" });
});

test("a full disk stands at the top of the page until there is room again", {
  timeout: 90_000,
  skip: NO_SMALL_DISK,
}, async (t) => {
  const disk = new SmallDisk(t, 8_000_000);
  let midge = await startMidge(t);
  midge.signal("SIGTERM");
  await midge.end();
  rmSync(join(midge.folder, "data"), { recursive: true });
  symlinkSync(disk.path, join(midge.folder, "data"));
  midge = await startMidge(t, { like: midge, more: `reserve = 1000000\n${OFTEN}` });
  const page = await look(t, midge);
  await page.locator(".store").getByText("OK").waitFor();
  disk.fill(500_000);
  await page.getByRole("alert").getByText("The disk is almost full.").waitFor();
  await page.locator(".store").getByText("Almost full").waitFor();
  disk.empty();
  await page.getByRole("alert").waitFor({ state: "detached" });
  await page.locator(".store").getByText("OK").waitFor();
});
