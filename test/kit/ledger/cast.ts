/** All who keep ledgers in a long run, and what must hold between them. */
import type { ChangingSubscriber } from "./changing-subscriber.ts";
import type { PacketLog } from "./packet-log.ts";
import type { Publisher } from "./publisher.ts";
import type { SnNode } from "./sn-node.ts";
import type { Stream } from "./stream.ts";
import type { Subscriber } from "./subscriber.ts";
import { type Account, type Finding, judge, lacking } from "./verdict.ts";

/** How long acknowledgements, and what was acknowledged, may take to come in the end, ms. */
const PATIENCE = 90_000;
/** What comes too much comes soon, ms. */
const AFTERWARDS = 1500;
const LOOK = 250;
/** Findings whose packets are told of. */
const TOLD = 3;
const LINES = 40;

export class Cast {
  readonly publishers: Publisher[] = [];
  readonly subscribers: Subscriber[] = [];
  readonly nodes: SnNode[] = [];
  readonly changing: ChangingSubscriber[] = [];
  /** Who must have what; one for each subscription. */
  readonly accounts: Account[] = [];
  readonly #log: PacketLog;

  constructor(log: PacketLog) {
    this.#log = log;
  }

  get streams(): readonly Stream[] {
    return [...this.publishers, ...this.nodes].flatMap(({ streams }) => streams);
  }

  /** Everybody else must have what this one subscribed to, by himself. */
  account(...members: (Subscriber | SnNode)[]): void {
    const [first] = members;
    if (first === undefined) return;
    for (const { filter, qos } of first.subscriptions) {
      const name = members.map(({ clientId }) => clientId).join(" and ");
      const prefix = filter.replace(/^\$share\/[^/]*\//, "").replace(/#$/, "");
      const receipts = members.map((one) => one.receipts);
      this.accounts.push({ name, prefix, qos, receipts });
    }
  }

  /** Subscribers first, so that none misses what is published. */
  async start(): Promise<void> {
    await Promise.all(this.subscribers.map((one) => one.start()));
    for (const one of this.changing) one.start();
    await Promise.all(this.nodes.map((one) => one.start()));
    for (const one of this.publishers) one.start();
  }

  /**
   * Ends publishing, waits until everything has come that is to come, and answers what is wrong. If
   * nothing has come for `quiet`, ms, nothing will.
   */
  async settle(quiet: number): Promise<string[]> {
    for (const one of [...this.publishers, ...this.nodes]) one.finish();
    for (const one of this.subscribers) one.come();
    const faults: string[] = [];
    const open = (): number => this.#sum([...this.publishers, ...this.nodes], (one) => one.open);
    if (!(await this.#until(() => open() === 0))) {
      faults.push(`${open()} messages are not acknowledged in ${PATIENCE / 1000} s`);
    }
    await this.#until(() => this.#lacking === 0, quiet);
    await new Promise((resolve) => setTimeout(resolve, AFTERWARDS));
    return faults;
  }

  /** All findings between publishers and subscribers. */
  findings(): Finding[] {
    return this.accounts.flatMap((account) => judge(account, this.streams));
  }

  /** What everybody noticed for himself. */
  faults(): string[] {
    const all = [...this.publishers, ...this.subscribers, ...this.nodes, ...this.changing];
    return all.flatMap(({ faults }) => faults);
  }

  /** The packets of the first findings, for whoever looks for the cause. */
  packetsOf(findings: readonly Finding[]): string[] {
    return findings.slice(0, TOLD).flatMap(({ what, topic, numbers }) => {
      const lines = this.#log.linesWith(`${topic} ${numbers[0]}`, LINES);
      return [`${what}; its packets:`, ...lines.map((line) => `    ${line}`)];
    });
  }

  describe(): string {
    const acknowledged = this.#sum(this.streams, (one) => one.acknowledged.size);
    const received = this.#sum([...this.subscribers, ...this.nodes], (one) => one.receipts.total);
    const compared = this.#sum(this.changing, (one) => one.comparisons);
    const comparisons =
      this.changing.length > 0 ? `, subscriptions compared ${compared} times` : "";
    return `${acknowledged} messages acknowledged, ${received} received${comparisons}`;
  }

  stop(): void {
    for (const one of this.subscribers) one.leave("order");
    for (const one of [...this.publishers, ...this.nodes, ...this.changing]) one.stop();
  }

  get #lacking(): number {
    return this.#sum(this.accounts, (account) => lacking(account, this.streams));
  }

  #sum<T>(all: readonly T[], count: (one: T) => number): number {
    return all.reduce((sum, one) => sum + count(one), 0);
  }

  /** False if it does not hold in time, or nothing has come for `quiet`, ms. */
  async #until(test: () => boolean, quiet = PATIENCE): Promise<boolean> {
    const deadline = performance.now() + PATIENCE;
    let before = -1;
    let since = performance.now();
    while (!test()) {
      const now = performance.now();
      const total = this.#sum([...this.subscribers, ...this.nodes], (one) => one.receipts.total);
      if (total !== before) since = now;
      before = total;
      if (now > deadline || now - since > quiet) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
    return true;
  }
}
