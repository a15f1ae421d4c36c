/**
 * What the components show, as signals: snapshots of the model, taken at most once per animation
 * frame however many messages come.
 */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Clock } from "../time/clock.ts";
import type { FeedState } from "./connection/feed.ts";
import type { GatewayFacts } from "./connection/gateway-facts.ts";
import type { Bridge } from "./model/bridge-topics.ts";
import type { BrokerFigures } from "./model/broker-store.ts";
import { type Area, DashboardModel } from "./model/dashboard-model.ts";
import type { Node } from "./model/node.ts";
import type { NodeColumn } from "./model/node-store.ts";
import { type Notice, noticesOf } from "./model/notices.ts";
import type { StoreStatus } from "./model/store-status.ts";
import { EMPTY_VIEW, type ValueColumn, type ValueView, viewValues } from "./model/value-view.ts";

export interface Order<Column extends string> {
  readonly column: Column;
  readonly descending: boolean;
}

/** Rows of live values shown at first, and added by each wish for more. */
export const ROWS_PER_STEP = 200;
/** Shortest time between two snapshots, ms: faster than that nobody reads. */
const FRAME_GAP = 100;

export class PageState {
  readonly connection: Signal<FeedState> = signal({ kind: "connecting" });
  readonly facts: Signal<GatewayFacts | undefined> = signal(undefined);
  /** The monotonic clock, ms, moved on every second. */
  readonly now: Signal<number>;
  readonly figures: Signal<BrokerFigures> = signal({});
  readonly bridges: Signal<readonly Bridge[]> = signal([]);
  readonly store: Signal<StoreStatus | undefined> = signal(undefined);
  readonly notices: ReadonlySignal<readonly Notice[]> = computed(() =>
    noticesOf(this.store.value, this.facts.value?.problems ?? []),
  );
  readonly nodes: Signal<readonly Node[]> = signal([]);
  readonly nodeOrder: Signal<Order<NodeColumn>> = signal({
    column: "clientId",
    descending: false,
  });
  readonly values: Signal<ValueView> = signal(EMPTY_VIEW);
  readonly valueOrder: Signal<Order<ValueColumn>> = signal({ column: "topic", descending: false });
  readonly filter: Signal<string> = signal("");
  readonly rowLimit: Signal<number> = signal(ROWS_PER_STEP);
  /** The topic whose whole payload is shown. */
  readonly expandedTopic: Signal<string | undefined> = signal(undefined);
  /** Makes the next attempt to connect now; set by who owns the connection. */
  retryNow: () => void = () => {};

  readonly #model = new DashboardModel();
  readonly #clock: Clock;
  readonly #dirty = new Set<Area>();
  #frameAsked = false;
  #lastFrame = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.now = signal(clock.now());
  }

  receive(topic: string, payload: Uint8Array, retain: boolean): void {
    const area = this.#model.receive(topic, payload, retain, this.#clock.now());
    if (area !== undefined) this.#touch(area);
  }

  beginRound(): void {
    this.#model.beginRound();
  }

  endRound(): void {
    this.#model.endRound();
    this.#touch("nodes");
    this.#touch("broker");
  }

  tick(): void {
    this.now.value = this.#clock.now();
  }

  /** The gateway's time as well as the page knows it, Unix ms. */
  get gatewayNow(): number {
    // Reading the ticking signal has whoever shows this drawn again every second.
    const sinceTick = this.#clock.now() - this.now.value;
    return this.#clock.wall() - sinceTick + (this.facts.value?.clockOffset ?? 0);
  }

  /** When something happened, Unix ms of the browser, from the monotonic clock's `at`. */
  wallOf(at: number): number {
    return this.#clock.wall() - (this.#clock.now() - at);
  }

  sortNodes(order: Order<NodeColumn>): void {
    this.nodeOrder.value = order;
    this.#touch("nodes");
  }

  sortValues(order: Order<ValueColumn>): void {
    this.valueOrder.value = order;
    this.#touch("values");
  }

  setFilter(filter: string): void {
    this.filter.value = filter;
    this.rowLimit.value = ROWS_PER_STEP;
    this.#touch("values");
  }

  showMore(): void {
    this.rowLimit.value += ROWS_PER_STEP;
    this.#touch("values");
  }

  #touch(area: Area): void {
    this.#dirty.add(area);
    if (this.#frameAsked) return;
    this.#frameAsked = true;
    requestAnimationFrame(this.#frame);
  }

  readonly #frame = (): void => {
    const now = this.#clock.now();
    if (now - this.#lastFrame < FRAME_GAP) {
      requestAnimationFrame(this.#frame);
      return;
    }
    this.#lastFrame = now;
    this.#frameAsked = false;
    for (const area of this.#dirty) this.#snapshot(area);
    this.#dirty.clear();
  };

  #snapshot(area: Area): void {
    const model = this.#model;
    switch (area) {
      case "nodes": {
        const { column, descending } = this.nodeOrder.value;
        this.nodes.value = model.nodes.sorted(column, descending);
        return;
      }
      case "broker":
        this.figures.value = model.broker.figures;
        this.bridges.value = model.broker.bridges();
        this.store.value = model.broker.store;
        return;
      case "values": {
        const { column, descending } = this.valueOrder.value;
        const filter = this.filter.value;
        const limit = this.rowLimit.value;
        this.values.value = viewValues(model.values, { filter, column, descending, limit });
        return;
      }
    }
  }
}
