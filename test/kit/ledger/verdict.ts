/** What is wrong between what publishers know to be acknowledged and what subscribers have. */
import type { QoS } from "../../../src/mqtt/qos.ts";
import type { Receipts } from "./receipts.ts";
import type { Stream } from "./stream.ts";

/** Somebody, or a group of those who share, who must have what was acknowledged on topics that begin so. */
export interface Account {
  readonly name: string;
  readonly prefix: string;
  /** Of his subscription, and of all hops before it. */
  readonly qos: QoS;
  readonly receipts: readonly Receipts[];
}

export interface Finding {
  /** Name of the account. */
  readonly who: string;
  /** In words. */
  readonly what: string;
  /** Numbers of messages of the stream that it is about. */
  readonly numbers: readonly number[];
  readonly topic: string;
  readonly kind: "missing" | "twice" | "order" | "forged";
}

/** Findings of one kind and stream that are named one by one. */
const NAMED = 5;

/** What of the streams the account lacks, has twice at QoS 2, in another order, or never published. */
export function judge(account: Account, streams: readonly Stream[]): Finding[] {
  return streams
    .filter(({ topic }) => topic.startsWith(account.prefix))
    .flatMap((stream) => judgeStream(account, stream));
}

/** Acknowledged messages that the account has not got yet. */
export function lacking(account: Account, streams: readonly Stream[]): number {
  return judge(account, streams).reduce(
    (sum, { kind, numbers }) => sum + (kind === "missing" ? numbers.length : 0),
    0,
  );
}

function judgeStream({ name, qos, receipts }: Account, stream: Stream): Finding[] {
  const { topic } = stream;
  const lists = receipts.map((one) => one.of(topic));
  const counts = new Map<number, number>();
  for (const number of lists.flat()) counts.set(number, (counts.get(number) ?? 0) + 1);
  const findings: Finding[] = [];
  const find = (kind: Finding["kind"], words: string, numbers: readonly number[]): void => {
    if (numbers.length === 0) return;
    const named = numbers.slice(0, NAMED).join(", ");
    const more = numbers.length > NAMED ? ` and ${numbers.length - NAMED} more` : "";
    findings.push({
      who: name,
      kind,
      topic,
      numbers,
      what: `${name} ${words} ${topic} ${named}${more}`,
    });
  };
  const isOnce = Math.min(qos, stream.qos) === 2;
  find(
    "missing",
    "lacks",
    [...stream.acknowledged.keys()].filter((number) => !counts.has(number)),
  );
  find(
    "forged",
    "has what was never published:",
    [...counts.keys()].filter((number) => !(number < stream.published)),
  );
  if (isOnce) {
    const twice = [...counts].filter(([, count]) => count > 1).map(([number]) => number);
    find("twice", "has more than once", twice);
  }
  // Those who share have messages handed on to them that came for another.
  if (lists.length === 1) find("order", "has out of order", outOfOrder(lists[0] ?? []));
  return findings;
}

/** Numbers that came for the first time after a higher one. */
export function outOfOrder(numbers: readonly number[]): number[] {
  let highest = -1;
  const found: number[] = [];
  const seen = new Set<number>();
  for (const number of numbers) {
    if (number < highest && !seen.has(number)) found.push(number);
    highest = Math.max(highest, number);
    seen.add(number);
  }
  return found;
}
