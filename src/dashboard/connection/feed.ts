/**
 * The page's connection to the broker: connects, subscribes, hands messages on, and after a loss
 * connects again with growing pauses, saying all the while how it stands.
 */

import type { PublishPacket } from "../../mqtt/packets.ts";
import type { Ending } from "../../mqtt-client/ending.ts";
import { refusalText } from "../../mqtt-client/ending.ts";
import { MqttClient, type MqttClientOwner } from "../../mqtt-client/mqtt-client.ts";
import type { Wire, WireEnd } from "../../seams/wire.ts";
import type { Clock, Random } from "../../time/clock.ts";
import type { Scheduler, Timer } from "../../time/scheduler.ts";

export type FeedState =
  | { readonly kind: "connecting" }
  /** What is shown is what is. */
  | { readonly kind: "live" }
  | {
      readonly kind: "lost";
      /** When the broker was last heard, Unix ms; undefined if never. */
      readonly heardAt: number | undefined;
      /** In words, when there is more to say than that the connection is gone. */
      readonly why: string | undefined;
      /** When the next attempt is made, by the monotonic clock, ms. */
      readonly retryAt: number;
    };

export interface Dialling {
  /** Gives up an attempt that has neither opened nor failed; nothing is called any more. */
  cancel(): void;
}

/** Starts a connection: calls either `opened` with its wire, or `failed`, once. */
export type Dial = (opened: (wire: Wire) => WireEnd, failed: () => void) => Dialling;

export interface FeedParts {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly clientId: string;
  readonly subscriptions: readonly string[];
  readonly owner: FeedOwner;
}

export interface FeedOwner {
  /** The payload lies in a buffer that is reused after the call. */
  message(topic: string, payload: Uint8Array, retain: boolean): void;
  state(state: FeedState): void;
  /** A subscription was sent: everything retained comes now. */
  beginRound(): void;
  /** Everything retained should have come. */
  endRound(): void;
}

/** How long an attempt may take to open, ms. */
const DIAL_PATIENCE = 10_000;
/** Seconds. Short, so that a dead connection does not pass for a quiet one. */
const KEEP_ALIVE = 20;
const PING_PATIENCE = 8_000;
/** Pauses between attempts, ms; the last one repeats. */
const PAUSES = [1_000, 2_000, 4_000, 8_000, 15_000];
/** How long after SUBACK retained messages are awaited, ms. */
const RETAINED_WAIT = 4_000;
const REFUSED = 0x80;

export class Feed implements MqttClientOwner {
  readonly #parts: FeedParts;
  #client: MqttClient | undefined;
  #dialling: Dialling | undefined;
  #timer: Timer | undefined;
  #roundTimer: Timer | undefined;
  #attempts = 0;
  #heardAt: number | undefined;
  #lost = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.owner.state({ kind: "connecting" });
    this.#dial();
  }

  /** Makes the next attempt now, if one is due later. */
  retryNow(): void {
    if (!this.#lost) return;
    this.#attempts = 0;
    this.#dial();
  }

  connected(): void {
    const subscriptions = this.#parts.subscriptions.map((filter) => ({ filter, qos: 0 as const }));
    this.#parts.owner.beginRound();
    this.#client?.subscribe(subscriptions);
  }

  subscribed(_packetId: number, codes: readonly number[]): void {
    const { owner, scheduler } = this.#parts;
    if (codes.every((code) => code === REFUSED)) {
      this.#lose("The broker lets this page see nothing. Ask its administrator for read access.");
      return;
    }
    this.#attempts = 0;
    owner.state({ kind: "live" });
    this.#roundTimer = scheduler.after(RETAINED_WAIT, () => owner.endRound());
  }

  message({ topic, payload, retain }: PublishPacket): void {
    this.#parts.owner.message(topic, payload, retain);
  }

  closed(ending: Ending): void {
    this.#client = undefined;
    this.#lose(
      ending.kind === "refused"
        ? `The broker refused this page: ${refusalText(ending.returnCode)}.`
        : undefined,
    );
  }

  // A page that subscribes at QoS 0 and publishes nothing is never told any of these.
  released(): void {}
  received(): void {}
  acknowledged(): void {}
  unsubscribed(): void {}
  drained(): void {}

  #dial(): void {
    const { dial, scheduler } = this.#parts;
    this.#lost = false;
    this.#timer?.cancel();
    this.#timer = scheduler.after(DIAL_PATIENCE, () => {
      this.#dialling?.cancel();
      this.#lose(undefined);
    });
    this.#dialling = dial(
      (wire) => this.#opened(wire),
      () => this.#lose(undefined),
    );
  }

  #opened(wire: Wire): WireEnd {
    const { clock, scheduler, clientId } = this.#parts;
    this.#timer?.cancel();
    const client = new MqttClient({
      wire,
      owner: this,
      clock,
      scheduler,
      options: {
        level: 4,
        clientId,
        cleanSession: true,
        keepAlive: KEEP_ALIVE,
        patience: PING_PATIENCE,
      },
    });
    this.#client = client;
    client.start();
    return {
      receive: (bytes) => {
        this.#heardAt = clock.wall();
        client.receive(bytes);
      },
      drained: () => client.drained(),
      closed: (cause) => client.closed(cause),
    };
  }

  #lose(why: string | undefined): void {
    const { clock, scheduler, random, owner } = this.#parts;
    if (this.#lost) return;
    this.#lost = true;
    this.#roundTimer?.cancel();
    this.#timer?.cancel();
    const pause = PAUSES[Math.min(this.#attempts++, PAUSES.length - 1)] as number;
    // Spread, so that many pages do not come back to a restarted gateway in the same moment.
    const retryAt = clock.now() + pause * (0.75 + random() / 2);
    this.#timer = scheduler.at(retryAt, () => this.#dial());
    owner.state({ kind: "lost", heardAt: this.#heardAt, why, retryAt });
    this.#client?.disconnect();
  }
}
