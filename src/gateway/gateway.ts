/**
 * The MQTT-SN gateway: makes every node a client of the broker. Frames come in from links, time
 * from the scheduler, messages for nodes from the broker; it does no I/O of its own.
 */
import { decodeMessage } from "../mqttsn/decode.ts";
import type { Encapsulated } from "../mqttsn/packets.ts";
import type { Door } from "../seams/door.ts";
import type { Journal, StoredRecord } from "../seams/journal.ts";
import type { Link, LinkAddress, LinkEnd } from "../seams/link.ts";
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { forget } from "./admission.ts";
import { end } from "./connection.ts";
import type { Core } from "./core.ts";
import { suspend } from "./delivery.ts";
import { Advertiser } from "./discovery.ts";
import { dispatch } from "./dispatch.ts";
import { ForwardedAddress, forwardedKey } from "./forwarder.ts";
import { complainOfFault } from "./frame-faults.ts";
import { LinkState } from "./link-state.ts";
import { MemoryBound } from "./memory-bound.ts";
import { NodeRecords } from "./node-records.ts";
import { NodeTable } from "./node-table.ts";
import type { GatewayOptions } from "./options.ts";
import { Output } from "./output.ts";
import { PredefinedTopics } from "./predefined-topics.ts";
import { QosMinusOne } from "./qos-minus-one.ts";
import { Reports } from "./reports.ts";
import { restoreNodes } from "./restore.ts";
import { cancelTimer, supervise } from "./supervision.ts";

export interface GatewayParts {
  readonly door: Door;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly journal: Journal;
  readonly log: Log;
  readonly options: GatewayOptions;
}

export class Gateway implements LinkEnd {
  readonly #core: Core;
  /** By name; kept while a link is away, so that its nodes find back. */
  readonly #links = new Map<string, LinkState>();
  readonly #advertiser: Advertiser;
  readonly #qosMinusOne: QosMinusOne;
  #state: "new" | "started" | "stopped" = "new";

  constructor({ door, clock, scheduler, journal, log, options }: GatewayParts) {
    const nodes = new NodeTable(options.maxNodes);
    const links = this.#links;
    const interval = options.reportInterval;
    this.#core = {
      door,
      clock,
      scheduler,
      log,
      options,
      nodes,
      records: new NodeRecords(journal, clock),
      reports: new Reports({ door, clock, scheduler, nodes, links, interval }),
      output: new Output(),
      predefined: new PredefinedTopics(options.predefinedTopics),
      memory: new MemoryBound(options.maxNameMemory),
    };
    this.#advertiser = new Advertiser(this.#core, links);
    this.#qosMinusOne = new QosMinusOne(this.#core);
  }

  /**
   * Takes back the nodes of before a restart, from the records under `g/`. Comes before `start` and
   * after the broker took back its sessions. Answers how many records were damaged and left out.
   */
  restore(records: Iterable<StoredRecord>): number {
    return restoreNodes(this.#core, (name) => this.#linkNamed(name), records);
  }

  /**
   * Advertises the gateway at once and every T_ADV, and supervises the nodes it knows from now on.
   */
  start(): void {
    if (this.#state !== "new") return;
    this.#state = "started";
    const now = this.#core.clock.now();
    for (const node of this.#core.nodes.values()) {
      node.lastHeard = Math.max(node.lastHeard, now);
      supervise(node);
    }
    this.#advertiser.start();
    this.#core.reports.start();
  }

  /**
   * Lets go of all sessions without publishing wills or telling the nodes, as they are to go on
   * where they were when the gateway is back. A stopped gateway stays stopped.
   */
  stop(): void {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.#advertiser.stop();
    this.#core.reports.stop();
    for (const node of this.#core.nodes.values()) {
      cancelTimer(node);
      if (node.client === undefined) continue;
      if (node.storedLastSeen === undefined) this.#core.records.putNode(node);
      suspend(node);
      node.client.leave("normal");
      node.client = undefined;
    }
    this.#qosMinusOne.leave();
  }

  /** Serves a link from now on, in place of a former one of the same name. */
  attach(link: Link): void {
    const state = this.#linkNamed(link.name);
    if (state.link !== undefined && state.link !== link) this.detach(state.link);
    state.link = link;
    this.#advertiser.attached(state);
  }

  /** The link is gone; its nodes get nothing until they are heard again, and stay supervised. */
  detach(link: Link): void {
    const state = this.#links.get(link.name);
    if (state === undefined || state.link !== link) return;
    for (const node of state.nodes.values()) {
      if (node.client !== undefined) suspend(node);
      node.address = undefined;
    }
    state.link = undefined;
  }

  /** One frame from a node; see `LinkEnd`. */
  receive(link: Link, from: LinkAddress, frame: Uint8Array): void {
    const state = this.#links.get(link.name);
    if (state === undefined || state.link !== link || this.#state === "stopped") return;
    state.counters.framesIn++;
    const message = decodeMessage(frame);
    if (message.kind === "fault") complainOfFault(this.#core, state, from, message.detail);
    else if (message.kind === "encapsulated") this.#unwrap(state, from, message);
    else dispatch(this.#core, this.#qosMinusOne, state, from, message);
  }

  /** Forgets a node with its session and all that was kept for it; false if there is none. */
  forget(clientId: string): boolean {
    const node = this.#core.nodes.get(clientId);
    if (node === undefined) return false;
    if (node.client !== undefined) {
      this.#core.output.send(node, { kind: "disconnect", duration: undefined });
      end(node, "normal", "disconnected");
    }
    forget(node);
    return true;
  }

  /** A message that a forwarder brings (MQTT-SN 1.2 §5.5). */
  #unwrap(
    state: LinkState,
    forwarder: LinkAddress,
    { wirelessNodeId, message }: Encapsulated,
  ): void {
    const key = forwardedKey(forwarder, wirelessNodeId);
    const from =
      state.nodes.get(key)?.address ?? new ForwardedAddress(forwarder, wirelessNodeId, key);
    const inner = decodeMessage(message);
    if (inner.kind === "fault") complainOfFault(this.#core, state, from, inner.detail);
    else dispatch(this.#core, this.#qosMinusOne, state, from, inner);
  }

  #linkNamed(name: string): LinkState {
    let state = this.#links.get(name);
    if (state === undefined) {
      state = new LinkState(name, this.#core.clock, this.#core.options.unknownSenderRate);
      this.#links.set(name, state);
    }
    return state;
  }
}
