/** A Midge with one serial line that is kept busy both ways while bytes on it become others. */
import { join } from "node:path";
import type { TestContext } from "node:test";
import mqtt from "mqtt";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import type { Framing } from "../../src/links/framing/framing.ts";
import { makeFraming, type PlainFraming } from "../../src/links/framing/make-framing.ts";
import { startMidge, temporaryFolder } from "./processes.ts";
import { PtyLine, until } from "./pty-line.ts";
import { seededRandom } from "./random.ts";
import { payloadOf, SaturatingNode } from "./saturating-node.ts";

export interface SaturationSettings {
  readonly framing: PlainFraming;
  readonly baudRate: number;
  readonly payloadSize: number;
  /** Part of the bytes that become others. */
  readonly share: number;
  /** How many in a row on average. */
  readonly burst: number;
  /** ms */
  readonly duration: number;
  readonly seed: number;
}

export interface Saturation {
  /** QoS 1 messages up: what the line could carry, what was acknowledged, what the subscriber has. */
  readonly up: { readonly possible: number; readonly acknowledged: number; readonly there: number };
  /** Numbers of messages that were acknowledged and are not at the subscriber. */
  readonly missing: readonly number[];
  /** What came to the subscriber that was never sent. */
  readonly forged: readonly string[];
  /** QoS 0 messages down: what the line could carry besides acknowledgements, and what came. */
  readonly down: { readonly possible: number; readonly came: number; readonly forged: number };
  /** Part of the bytes that were changed on the way up and down. */
  readonly changed: { readonly up: number; readonly down: number };
  /** Bytes a second that came down, which the line's rate bounds. */
  readonly downRate: number;
}

const PUBLISH_HEADER = 7;
const PUBACK = 7;

/** How many bytes of the line a message of `length` takes, without what is escaped. */
function lengthOnLine(framing: Framing, length: number): number {
  const writer = new ByteWriter();
  framing.encode(new Uint8Array(length).fill(0x2e), writer);
  return writer.length;
}

export async function saturate(t: TestContext, settings: SaturationSettings): Promise<Saturation> {
  const { baudRate, payloadSize, duration, share, burst } = settings;
  const bytesPerSecond = baudRate / 10;
  const port = join(temporaryFolder(t), "ttyTEST0");
  const line = new PtyLine(t);
  await line.plugIn(port);
  const gateway = await startMidge(t, {
    more: `[[link]]\nname = "wire"\ntype = "serial"\npath = ${JSON.stringify(port)}\nframing = "${settings.framing}"\nbaud_rate = ${baudRate}\nmax_frame = 256\n`,
  });
  await line.opened();
  const framing = makeFraming(settings.framing, { maximumFrame: 256, gap: 100 });
  const node = new SaturatingNode({
    framing,
    send: (bytes) => line.send(bytes),
    backlog: () => line.backlog,
    bytesPerSecond,
    payloadSize,
    noise: { share, burst, random: seededRandom(settings.seed) },
  });
  t.after(() => node.stop());
  line.receive = (bytes) => node.feed(bytes);
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort}`);
  t.after(() => client.endAsync(true));
  const there: string[] = [];
  client.on("message", (_topic, payload) => there.push(payload.toString()));
  await client.subscribeAsync("up", { qos: 1 });
  await until(() => node.ready, "the subscription");

  const publishOnLine = lengthOnLine(framing, PUBLISH_HEADER + payloadSize);
  const upRate = bytesPerSecond / publishOnLine;
  const downRate = (bytesPerSecond - upRate * lengthOnLine(framing, PUBACK)) / publishOnLine;
  const began = performance.now();
  const bytesBefore = node.bytesIn;
  let offered = 0;
  node.publishing = true;
  const timer = setInterval(() => {
    const due = ((performance.now() - began) * downRate) / 1000;
    for (; offered < due; offered++) client.publish("dn", payloadOf(offered, payloadSize));
  }, 10);
  await new Promise((resolve) => setTimeout(resolve, duration));
  clearInterval(timer);
  const took = (performance.now() - began) / 1000;
  const acknowledged = node.acknowledged.size;
  const came = new Set(node.received);
  const rate = (node.bytesIn - bytesBefore) / took;
  node.publishing = false;
  await until(() => node.waiting === 0, "the last acknowledgements");
  const isWhole = (text: string) => text === payloadOf(Number.parseInt(text, 10), payloadSize);
  const missing = () => {
    const delivered = new Set(there);
    return [...node.acknowledged].filter((one) => !delivered.has(payloadOf(one, payloadSize)));
  };
  // The broker's own client may be behind by a few.
  await until(() => missing().length === 0, "all messages").catch(() => {});
  const delivered = new Set(there);
  return {
    up: { possible: upRate * took, acknowledged, there: delivered.size },
    missing: missing(),
    forged: [...delivered].filter((text) => !isWhole(text)),
    down: {
      possible: downRate * took,
      came: [...came].filter(isWhole).length,
      forged: [...came].filter((text) => !isWhole(text)).length,
    },
    changed: { up: node.up.changed / node.up.seen, down: node.down.changed / node.down.seen },
    downRate: rate,
  };
}
