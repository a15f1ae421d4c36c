/** The dashboard's page in a real browser, served by our HTTP server over a broker that is not ours. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { launchBrowser } from "../kit/browser.ts";
import { PageRig } from "../kit/page-rig.ts";
import { LINK } from "../kit/process-facts.ts";

let rig: PageRig;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What the page complained of: script errors, refused content. */
let complaints: string[];

before(async () => {
  rig = await PageRig.build();
  browser = await launchBrowser();
});

after(async () => {
  await browser.close();
  await rig.remove();
});

beforeEach(async () => {
  await rig.start();
  context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
  complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refused WebSocket is what some tests bring about; the browser always reports it.
    if (message.type() === "error" && !message.text().startsWith("WebSocket connection"))
      complaints.push(message.text());
  });
  await page.goto(rig.url);
  await page.getByRole("status").getByText("Live").waitFor();
});

afterEach(async () => {
  await context.close();
  await rig.stop();
});

function valueRow(topic: string) {
  return page.locator("table.values tbody tr").filter({ hasText: topic });
}

function nodeRow(clientId: string) {
  return page.locator("table.nodes tbody tr").filter({ hasText: clientId });
}

/** Tells of the store as the gateway does. */
async function tellStore(topics: Readonly<Record<string, string | number>>): Promise<void> {
  for (const [topic, value] of Object.entries(topics))
    await rig.publish(`$SYS/broker/store/${topic}`, String(value), true);
}

const WELL = {
  state: "ok",
  mode: "strict",
  folder: "/var/lib/midge",
  "bytes/today": 12_400_000,
  "bytes/year": 4_310_000_000,
  "unsafe/count": 3,
  "unsafe/age": 1200,
  "unsafe/limit": 15_000,
  "disk/free": 8_120_000_000,
  "disk/reserve": 16_000_000,
};

async function shown(selector: string): Promise<string[]> {
  return page.locator(selector).allTextContents();
}

describe("an empty gateway", () => {
  test("tells what to do", async () => {
    await page.getByText("No node yet.").waitFor();
    await page.getByText("scripts/run --demo").waitFor();
    await page.getByText("mosquitto_pub -h 127.0.0.1 -t hello -m world").waitFor();
    await page.getByRole("heading", { level: 1, name: "greenhouse" }).waitFor();
    assert.deepEqual(complaints, []);
  });
});

describe("live values", () => {
  test("appear and move", async () => {
    await rig.publish("plant/soil", "41.7");
    await valueRow("plant/soil").getByText("41.7").waitFor();
    await rig.publish("plant/soil", "42.3");
    await valueRow("plant/soil").getByText("42.3").waitFor();
    assert.equal(await valueRow("plant/soil").locator(".changed").count(), 1);
    assert.equal(await valueRow("plant/soil").locator("td.number").textContent(), "2");
    assert.deepEqual(complaints, []);
  });

  test("from the broker's store are marked, as their age is not known", async () => {
    await rig.publish("plant/config", '{"interval":60}', true);
    await page.reload();
    await valueRow("plant/config").getByText("retained").waitFor();
    await rig.publish("plant/config", '{"interval":30}');
    await valueRow("plant/config").getByText("now").waitFor();
  });

  test("show JSON by its fields, bytes in hexadecimal, and the whole when pressed", async () => {
    await rig.publish("plant/climate", '{"temperature":21.5,"zones":["a","b"]}');
    await rig.publish("plant/frame", new Uint8Array([255, 216, 0, 1]));
    await valueRow("plant/frame").getByText("ff d8 00 01").waitFor();
    await valueRow("plant/frame").getByText("4 bytes").waitFor();
    assert.match(
      (await valueRow("plant/climate").locator("td.value").textContent()) ?? "",
      /temperature 21\.5zones \[a, b\]/,
    );
    const topic = page.getByRole("button", { name: "plant/climate" });
    assert.equal(await topic.getAttribute("aria-expanded"), "false");
    await topic.focus();
    await page.keyboard.press("Enter");
    assert.match((await page.locator("tr.whole pre").textContent()) ?? "", /"temperature": 21\.5,/);
    assert.equal(await topic.getAttribute("aria-expanded"), "true");
    await page.keyboard.press("Enter");
    await page.locator("tr.whole").waitFor({ state: "detached" });
  });

  test("are filtered by words and sorted by column", async () => {
    for (const topic of ["a/temperature", "b/humidity", "b/temperature"])
      await rig.publish(topic, "1");
    await rig.publish("b/humidity", "2");
    await valueRow("b/temperature").waitFor();
    await page.getByLabel("Filter topics").fill("TEMP b");
    await page.getByText("1 of 3 topics").waitFor();
    assert.deepEqual(await shown("table.values tbody th"), ["b/temperature"]);
    await page.getByLabel("Filter topics").fill("no such thing");
    await page.getByText("No topic holds these words.").waitFor();
    await page.getByLabel("Filter topics").fill("");
    await valueRow("a/temperature").waitFor();
    await page.getByRole("button", { name: "Messages" }).click();
    await page.locator('th[aria-sort="descending"]', { hasText: "Messages" }).waitFor();
    await page.waitForFunction(
      () => document.querySelector("table.values tbody th")?.textContent === "b/humidity",
    );
  });

  test("of very many topics stay within bounds", async () => {
    const all = 5200;
    const topics = Array.from({ length: all }, (_, at) => `flood/${String(at).padStart(5, "0")}`);
    await Promise.all(topics.map((topic) => rig.publish(topic, "x")));
    await page.getByText("5\u202f000 topics, the ones heard last").waitFor();
    assert.equal(await page.locator("table.values tbody tr").count(), 200);
    await page.getByRole("button", { name: "Show 200 more" }).click();
    await page.waitForFunction(
      () => document.querySelectorAll("table.values tbody tr").length === 400,
    );
    await page.getByLabel("Filter topics").fill("flood/05199");
    await page.getByText("1 of 5\u202f000 topics").waitFor();
    assert.equal(await valueRow("flood/05199").count(), 1);
    assert.deepEqual(complaints, []);
  });
});

describe("nodes", () => {
  test("appear with state, last seen and figures, change, and go", async () => {
    await rig.tellNode("soil-3", { buffered: 7, messagesIn: 1204, messagesOut: 36 }, 30_000);
    const row = nodeRow("soil-3");
    await row.getByText("Active").waitFor();
    await row.locator("td.wide").getByText("192.168.1.20:5001").waitFor();
    await row
      .locator("td.seen")
      .getByText(/^3\d s$/)
      .waitFor();
    assert.deepEqual(await row.locator("td.number").allTextContents(), [
      "1\u202f204 / 36",
      "7",
      "0",
    ]);
    await rig.tellNode("soil-3", { state: "asleep", sleepDuration: 600 });
    await row.getByText("Asleep").waitFor();
    await rig.publish("$SYS/gateway/nodes/soil-3", "", true);
    await page.getByText("No node yet.").waitFor();
  });

  test("that are silent for too long stand out, in words too", async () => {
    await rig.tellNode("quiet", { keepAlive: 60 }, 300_000);
    await nodeRow("quiet").getByText("expected every 1 min").waitFor();
    await page.getByText("of 1, 1 silent").waitFor();
  });

  test("have right ages though the gateway's clock is wrong by years", async () => {
    rig.clockOffset = -3 * 365 * 86_400_000;
    try {
      await page.reload();
      await rig.tellNode("soil-3", {}, 30_000);
      await nodeRow("soil-3")
        .locator("td.seen")
        .getByText(/^3\d s$/)
        .waitFor();
    } finally {
      rig.clockOffset = 0;
    }
  });

  test("are sorted by the column that is pressed", async () => {
    await rig.tellNode("n10", { retries: 1 });
    await rig.tellNode("n9", { retries: 5 });
    await nodeRow("n9").waitFor();
    assert.deepEqual(await shown("table.nodes tbody th bdi"), ["n9", "n10"]);
    await page.getByRole("button", { name: "Client id" }).click();
    await page.waitForFunction(
      () => document.querySelector("table.nodes tbody th bdi")?.textContent === "n10",
    );
    await page.getByRole("button", { name: "Retries" }).click();
    await page.waitForFunction(
      () => document.querySelector("table.nodes tbody th bdi")?.textContent === "n9",
    );
  });
});

describe("the broker", () => {
  test("tells its figures and its bridges", async () => {
    await rig.publish("$SYS/broker/uptime", "93600 seconds");
    await rig.publish("$SYS/broker/clients/connected", "7");
    await rig.publish("$SYS/broker/publish/messages/received", "1204");
    await rig.publish("$SYS/broker/connection/cloud/state", "1", true);
    await page.getByText("up 1 d 2 h").waitFor();
    await page.locator(".figure", { hasText: "Clients" }).getByText("7").waitFor();
    await page.locator(".figure", { hasText: "Messages in" }).getByText("1\u202f204").waitFor();
    const bridge = page.locator(".bridges li", { hasText: "cloud" });
    await bridge.getByText("Up").waitFor();
    await rig.publish("$SYS/broker/connection/cloud/state", "0", true);
    await bridge.getByText("Down").waitFor();
  });

  test("tells why a bridge is down, what waits for it, and which one has nothing to carry", async () => {
    const tell = (about: string, text: string) =>
      rig.publish(`$SYS/broker/connection/${about}`, text, true);
    await tell("cloud/state", "0");
    await tell("cloud/status", "offline");
    await tell("cloud/messages/queued", "120433");
    await tell("cloud/messages/dropped", "4");
    await tell("cloud/failure", "broker.example:8883: connection refused");
    await tell("night/state", "0");
    await tell("night/status", "idle");
    const cloud = page.locator(".bridges li", { hasText: "cloud" });
    await cloud.getByText("120\u202f433 waiting").waitFor();
    await cloud.getByText("4 dropped").waitFor();
    await cloud.getByText("broker.example:8883: connection refused").waitFor();
    await page.locator(".bridges li", { hasText: "night" }).getByText("Idle").waitFor();
    await tell("cloud/state", "1");
    await cloud.getByText("connection refused").waitFor({ state: "detached" });
  });
});

describe("the store", () => {
  test("tells its state, what is not safe yet, and what the disk takes", async () => {
    await tellStore(WELL);
    const store = page.locator(".store");
    await store.getByText("OK").waitFor();
    for (const words of ["3 changes", "12.4\u202fMB", "4.3\u202fGB", "8.1\u202fGB"])
      await store.getByText(words).waitFor();
    assert.equal(await page.getByRole("alert").count(), 0);
    assert.deepEqual(complaints, []);
  });

  test("that refuses is told at the top, with what is safe and what to do, until it is over", async () => {
    await tellStore(WELL);
    await tellStore({ problem: "IO error: No space left on device", state: "failing" });
    const alert = page.getByRole("alert");
    await alert.getByText("The disk takes nothing.").waitFor();
    await alert.getByText("What was acknowledged is safe.").waitFor();
    await page.getByText("Make room on the disk of /var/lib/midge.").waitFor();
    await page.getByText("The disk says: IO error: No space left on device.").waitFor();
    await page.locator(".store").getByText("Not writing").waitFor();
    await tellStore({ state: "low" });
    await alert.getByText("The disk is almost full.").waitFor();
    await tellStore({ "unsafe/age": 48_000, state: "slow" });
    await alert.getByText("The disk is slow.").waitFor();
    await page.getByText("the oldest for 48 s").waitFor();
    await tellStore({ problem: "", state: "ok" });
    await alert.waitFor({ state: "detached" });
  });

  test("with damaged files names their folders until they are gone", async () => {
    await tellStore({ ...WELL, damaged: "damaged-1 damaged-2" });
    await page.getByRole("alert").getByText("Damaged files were found").waitFor();
    assert.deepEqual(await shown(".notice code"), [
      "/var/lib/midge/damaged-1",
      "/var/lib/midge/damaged-2",
    ]);
    await tellStore({ damaged: "damaged-2" });
    await page.getByText("damaged-1").waitFor({ state: "detached" });
    await tellStore({ damaged: "" });
    await page.getByRole("alert").waitFor({ state: "detached" });
  });

  test("in memory says what that means", async () => {
    await tellStore({ state: "memory" });
    await page.getByText("A restart loses all that is kept").waitFor();
  });
});

describe("health", () => {
  test("tells of what has no topic of its own: a link that is down", async (t) => {
    t.after(() => {
      rig.facts = {};
    });
    rig.facts = { links: [{ ...LINK, name: "radio", isOpen: false }] };
    await page.reload();
    await page.getByRole("alert").getByText("The link radio is not open").waitFor();
    rig.facts = {};
    await page.reload();
    // Told together with health.
    await page.getByRole("heading", { level: 1, name: "greenhouse" }).waitFor();
    assert.equal(await page.getByRole("alert").count(), 0);
  });
});

describe("a lost connection", () => {
  test("is shown with the time of the values, and recovers", async () => {
    await rig.publish("plant/soil", "41.7");
    await rig.tellNode("here-before");
    await nodeRow("here-before").waitFor();
    await valueRow("plant/soil").getByText("41.7").waitFor();
    await rig.stop();
    await page
      .getByRole("alert")
      .getByText(/Values are from \d\d:\d\d:\d\d\./)
      .waitFor();
    await page.getByRole("status").getByText("Not connected").waitFor();
    await valueRow("plant/soil").getByText("41.7").waitFor();
    await rig.start();
    await rig.tellNode("here-after");
    await page.getByRole("button", { name: "Try now" }).click();
    await page.getByRole("status").getByText("Live").waitFor();
    assert.equal(await page.getByRole("alert").count(), 0);
    await nodeRow("here-after").waitFor();
    await nodeRow("here-before").waitFor({ state: "detached" });
    await rig.publish("plant/soil", "42.3");
    await valueRow("plant/soil").getByText("42.3").waitFor();
    assert.deepEqual(complaints, []);
  });
});

describe("hostile content", () => {
  const ATTACK = '<img src=x onerror="window.owned=true"><script>window.owned=true</script>';

  test("in topics, payloads, client ids and bridge names stays text", async () => {
    await rig.publish(`attack/${ATTACK}`, ATTACK);
    await rig.publish("attack/json", JSON.stringify({ [ATTACK]: ATTACK, __proto__: { x: 1 } }));
    await rig.publish("attack/proto", '{"__proto__":{"polluted":1},"constructor":{"prototype":1}}');
    await rig.publish("attack/link", "javascript:window.owned=true");
    await rig.publish("attack/bidi", "\u202egnp.exe");
    await rig.publish("attack/deep", "[".repeat(1000));
    await rig.tellNode("attacker", { clientId: ATTACK, link: ATTACK, address: ATTACK });
    await rig.publish("$SYS/gateway/nodes/rubbish", "{", true);
    await rig.publish("$SYS/gateway/nodes/other", '{"clientId":{"toString":1}}', true);
    await rig.publish(`$SYS/broker/connection/${ATTACK}/state`, ATTACK, true);
    await rig.publish(`$SYS/broker/connection/${ATTACK}/failure`, ATTACK, true);
    await tellStore({ folder: ATTACK, problem: ATTACK, damaged: ATTACK, state: "failing" });
    await rig.publish("$SYS/broker/version", ATTACK, true);
    await rig.publish("attack/last", "1");
    await valueRow("attack/last").waitFor();
    await nodeRow("onerror").first().waitFor();
    assert.equal(await valueRow("attack/bidi").locator("td.value").textContent(), "�gnp.exe");
    for (const button of await page.locator("button.topic").all()) {
      await button.click();
      await page.locator("tr.whole").waitFor();
      await button.click();
    }
    assert.equal(await page.locator("main img, main script, main a").count(), 0);
    const owned = await page.evaluate(
      () => "owned" in window || "polluted" in ({} as Record<string, unknown>),
    );
    assert.equal(owned, false);
    assert.deepEqual(complaints, []);
  });

  test("could not run even as markup: the content security policy stands before it", async () => {
    const outcome = await page.evaluate(() => {
      try {
        document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.owned=true'>");
        return "inserted";
      } catch (error) {
        return (error as Error).name;
      }
    });
    assert.equal(outcome, "TypeError");
  });
});

describe("on a phone", () => {
  test("nothing is wider than the screen, and rows still tell everything", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await rig.tellNode("a-node-with-a-rather-long-client-identifier-0001", { buffered: 3 });
    await rig.publish(`long/${"topic/".repeat(30)}end`, "x".repeat(500));
    await tellStore({
      ...WELL,
      folder: `/srv/${"long-folder-name".repeat(8)}`,
      damaged: "damaged-2026-11-21T21-50-00-aBc123",
      problem: "x".repeat(200),
      state: "failing",
    });
    await rig.publish("$SYS/broker/connection/cloud/failure", "y".repeat(200), true);
    await valueRow("long/").waitFor();
    await page.locator(".store").waitFor();
    await nodeRow("a-node").getByText("3 buffered").waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(width, 390);
  });
});
