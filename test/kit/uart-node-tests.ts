/** What every sensor node on a serial line must go through, whatever board it runs on. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Board, Cable, serialLink } from "./firmware.ts";
import { type RunningMidge, startMidge, temporaryFolder } from "./processes.ts";
import { SensorNode } from "./sensor-node.ts";

export interface UartNode {
  readonly name: string;
  readonly clientId: string;
  readonly baudRate: number;
  /** What it measures on the emulated board. */
  readonly temperature: RegExp;
  /** Starts it, with a checksum on its frames or not. */
  start(t: TestContext, checked: boolean): Promise<Board>;
}

/** A cable between a board and a gateway that has opened it, with the node connected. */
async function onCable(
  t: TestContext,
  node: UartNode,
  checked: boolean,
): Promise<{ gateway: RunningMidge; watched: SensorNode; cable: Cable; more: string }> {
  const board = await node.start(t, checked);
  const port = join(temporaryFolder(t), "ttyTEST0");
  const cable = await Cable.lay(t, board.line, port, node.baudRate);
  const more = serialLink(port, checked ? "slip-crc16" : "slip", node.baudRate);
  const gateway = await startMidge(t, { more });
  const watched = await SensorNode.watch(t, gateway, node.clientId);
  await watched.until("status", "online");
  return { gateway, watched, cable, more };
}

function numbered(word: string, count: number, say: string): { orders: string[]; texts: string[] } {
  const texts = Array.from({ length: count }, (_, index) => `${word}-${index + 1}`);
  return { orders: texts.map((text) => `say ${say} ${text}`), texts };
}

export function testUartNode(node: UartNode): void {
  test(`${node.name} measures, obeys, sleeps, and wakes for what was buffered`, async (t) => {
    const board = await node.start(t, true);
    const more = serialLink(board.line, "slip-crc16", node.baudRate);
    const gateway = await startMidge(t, { more });
    const watched = await SensorNode.watch(t, gateway, node.clientId);
    await watched.until("status", "online");
    await watched.until("temperature", node.temperature);

    await watched.order(2, "led on", "say 0 zero", "say 1 one", "say 2 two", "say - minus", "hm");
    for (const text of ["led on", "zero", "one", "two", "\\?"]) await watched.until("reply", text);
    await watched.until("sn", "minus");

    await watched.order(1, "sleep 2");
    await gateway.until((text) => /node "\S+" asleep for 6 s/.test(text), "sleep");
    // More than the node has room for at a time: the rest waits for another waking.
    const waiting = numbered("waited", 6, "1");
    await watched.order(1, ...waiting.orders);
    assert.deepEqual(
      watched.texts("reply").filter((text) => waiting.texts.includes(text)),
      [],
    );
    await watched.until("reply", "waited-6");
    const came = watched.texts("reply").filter((text) => waiting.texts.includes(text));
    assert.deepEqual([...new Set(came)], waiting.texts);
    await watched.order(1, "sleep 0", "say 2 awake");
    await watched.until("reply", "awake");
  });

  test(`${node.name} survives a restart of the gateway and a cable that is pulled`, async (t) => {
    const { gateway, watched, cable, more } = await onCable(t, node, true);
    await watched.order(2, "say 2 before");
    await watched.until("reply", "before");

    gateway.signal("SIGTERM");
    assert.equal(await gateway.end(), 0);
    const next = await startMidge(t, { like: gateway, more });
    const again = await SensorNode.watch(t, next, node.clientId);
    await again.order(2, "say 2 restarted");
    await again.until("reply", "restarted");

    await cable.order("unplug");
    await again.order(1, "say 1 unplugged");
    await cable.order("plug");
    await again.until("reply", "unplugged");
    await again.order(2, "say 2 plugged");
    await again.until("reply", "plugged");
    assert.deepEqual(
      again.texts("reply").filter((text) => text === "restarted" || text === "plugged"),
      ["restarted", "plugged"],
    );
  });

  test(`${node.name} gets everything through a line that breaks 1 octet of 100`, async (t) => {
    const { watched, cable } = await onCable(t, node, true);
    await cable.order("noise 10");
    const once = numbered("once", 10, "2");
    const atLeastOnce = numbered("least", 10, "1");
    await watched.order(2, ...once.orders, ...atLeastOnce.orders);
    await watched.until("reply", "least-10");
    const came = watched.texts("reply");
    assert.deepEqual(
      came.filter((text) => text.startsWith("once")),
      once.texts,
    );
    // Nothing is missing, and the checksum let nothing through that was changed.
    assert.deepEqual([...new Set(came)], [...once.texts, ...atLeastOnce.texts]);
  });

  test(`${node.name} without a checksum goes on after bursts of garbage`, async (t) => {
    const { watched, cable } = await onCable(t, node, false);
    for (const round of ["1", "2", "3"]) {
      await cable.order("garbage 300");
      await watched.order(1, `say 1 after-${round}`);
      await watched.until("reply", `after-${round}`);
    }
  });
}
