/** Whether a broker retains what was published last on each topic. */
import type { PublishPacket } from "../../../src/mqtt/packets.ts";
import type { PacketLog } from "./packet-log.ts";
import { ReturningClient } from "./returning-client.ts";
import { numberOf, type Stream } from "./stream.ts";

export interface RetainedCheck {
  /** Of the broker. */
  readonly name: string;
  /** Of a broker on 127.0.0.1. */
  readonly port: number;
  readonly filter: string;
  readonly log: PacketLog;
  /** There are no more of them than so many. */
  readonly most?: number;
}

/** Retained messages come at once after SUBACK; this is for busy machines, ms. */
const QUIET = 1000;
const PATIENCE = 10_000;

/** What is wrong, once every message of the streams is acknowledged. */
export async function checkRetained(
  { name, port, filter, log }: RetainedCheck,
  streams: readonly Stream[],
): Promise<string[]> {
  const kept = await retainedAt({ name, port, filter, log });
  if (kept === undefined) return [`${name} does not answer`];
  const faults: string[] = [];
  for (const { topic, published, retain, clears } of streams.map(facts)) {
    if (!retain || published === 0) continue;
    const last = published - 1;
    const wanted = clears ? "nothing" : String(last);
    const found = kept.get(topic);
    const shown = found === undefined ? "nothing" : String(numberOf(found.payload));
    if (shown !== wanted) faults.push(`${name} retains ${shown} on ${topic}, not ${wanted}`);
  }
  return faults;
}

function facts(stream: Stream) {
  const { topic, published, retain } = stream;
  return { topic, published, retain, clears: stream.clears(published - 1) };
}

/** Retained messages by topic; undefined where nobody answers. */
export async function retainedAt({
  name,
  port,
  filter,
  log,
  most = Number.POSITIVE_INFINITY,
}: RetainedCheck): Promise<ReadonlyMap<string, PublishPacket> | undefined> {
  const kept = new Map<string, PublishPacket>();
  const done = Promise.withResolvers<boolean>();
  const late = setTimeout(() => done.resolve(false), PATIENCE);
  let quiet: NodeJS.Timeout | undefined;
  const again = (): void => {
    clearTimeout(quiet);
    quiet = setTimeout(() => done.resolve(true), QUIET);
  };
  const client = new ReturningClient({
    clientId: `looks-at-${name.replaceAll(" ", "-")}`,
    port,
    level: 4,
    log,
    connected: () =>
      client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter, qos: 0 }] }),
    packet: (packet) => {
      if (packet.kind === "publish") {
        kept.set(packet.topic, { ...packet, payload: packet.payload.slice() });
      }
      if (kept.size < most) again();
      else done.resolve(true);
    },
  });
  client.come();
  const answered = await done.promise;
  clearTimeout(late);
  clearTimeout(quiet);
  client.leave("order");
  return answered ? kept : undefined;
}
