/**
 * The MQTT-SN gateway: makes every node a client of the broker. Frames come in from links, time
 * from the scheduler, messages for nodes from the broker; it does no I/O of its own.
 */
import { decodeMessage } from "../mqttsn/decode.ts";
import type { Encapsulated, SnMessage } from "../mqttsn/packets.ts";
import type { Access, ControlEndpoint } from "../seams/access.ts";
import type { DocumentStore } from "../seams/documents.ts";
import type { Door } from "../seams/door.ts";
import type { Journal, StoredRecord } from "../seams/journal.ts";
import type { Link, LinkAddress, LinkEnd, Reception } from "../seams/link.ts";
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { forget } from "./admission.ts";
import { admissionCommands } from "./admission-commands.ts";
import { AdmissionPolicy } from "./admission-policy.ts";
import { end, giveRights, stopOpening } from "./connection.ts";
import type { ControlPart } from "./control-command.ts";
import { GatewayControl } from "./control-endpoint.ts";
import type { Core } from "./core.ts";
import { resume, suspend } from "./delivery.ts";
import { Advertiser } from "./discovery.ts";
import { dispatch } from "./dispatch.ts";
import { addressOfKey, ForwardedAddress, forwardedKey } from "./forwarder.ts";
import { complainOfFault } from "./frame-faults.ts";
import { LinkState, type LinkTap } from "./link-state.ts";
import { MemoryBound } from "./memory-bound.ts";
import { NodeAccess } from "./node-access.ts";
import { nodeCommands } from "./node-commands.ts";
import { NodeRecords } from "./node-records.ts";
import { NodeTable } from "./node-table.ts";
import type { GatewayOptions } from "./options.ts";
import { Output } from "./output.ts";
import { predefinedCommands } from "./predefined-commands.ts";
import { PredefinedSources } from "./predefined-sources.ts";
import { PredefinedTopics } from "./predefined-topics.ts";
import { QosMinusOne } from "./qos-minus-one.ts";
import { Reports } from "./reports.ts";
import { restoreNodes } from "./restore.ts";
import { SenderLimits } from "./sender-limits.ts";
import { cancelTimer, supervise } from "./supervision.ts";

export interface GatewayParts {
  readonly door: Door;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly journal: Journal;
  /** Keeps what operators decide; undefined where nothing is kept. */
  readonly documents?: DocumentStore | undefined;
  readonly log: Log;
  readonly options: GatewayOptions;
  /** What decides what nodes may do; undefined: everything but managing the broker. */
  readonly access?: Access | undefined;
}

export class Gateway implements LinkEnd {
  /** Topic ids that nodes know beforehand: what there are, and what may be changed. */
  readonly predefinedTopics: PredefinedSources;
  readonly #core: Core;
  /** By name; kept while a link is away, so that its nodes find back. */
  readonly #links = new Map<string, LinkState>();
  readonly #advertiser: Advertiser;
  readonly #qosMinusOne: QosMinusOne;
  /** See `setServing`. */
  #serving = true;
  #state: "new" | "started" | "stopped" = "new";

  constructor(parts: GatewayParts) {
    const { door, clock, scheduler, journal, documents, log, options, access } = parts;
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
      room: { each: options.maxBufferedBytes, total: options.maxBufferedBytesTotal, used: 0 },
      admission: new AdmissionPolicy({ clock, scheduler, log, documents, options }),
      access: new NodeAccess(access, options),
      limits: new SenderLimits(clock, log, options),
      connecting: new Map(),
    };
    this.predefinedTopics = new PredefinedSources({
      topics: this.#core.predefined,
      configured: options.predefinedTopics,
      maxTopicLevels: options.maxTopicLevels,
      documents,
      scheduler,
      log,
    });
    this.#advertiser = new Advertiser(this.#core, links);
    this.#qosMinusOne = new QosMinusOne(this.#core);
  }

  /** What is kept for a link of that name; undefined where there never was one. */
  linkState(name: string): Pick<LinkState, "link" | "nodes" | "counters" | "faults"> | undefined {
    return this.#links.get(name);
  }

  /** How many nodes are in each state. */
  get nodeCounts(): NodeTable["counts"] {
    return this.#core.nodes.counts;
  }

  /**
   * Takes back the nodes of before a restart, from the records under `g/`. Comes before `start` and
   * after the broker took back its sessions. Answers how many records were damaged and left out.
   */
  restore(records: Iterable<StoredRecord>): number {
    this.#core.admission.decisions.load();
    return restoreNodes(this.#core, (name) => this.#linkNamed(name), records);
  }

  /**
   * Advertises the gateway at once and every T_ADV, and supervises the nodes it knows from now on.
   */
  start(): void {
    if (this.#state !== "new") return;
    this.#state = "started";
    this.#core.admission.decisions.load();
    this.predefinedTopics.load();
    const now = this.#core.clock.now();
    for (const node of this.#core.nodes.values()) {
      node.lastHeard = Math.max(node.lastHeard, now);
      supervise(node);
      resume(node);
    }
    if (this.#serving) this.#advertiser.start();
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
    this.predefinedTopics.stop();
    this.#core.reports.stop();
    this.#core.admission.stop();
    this.#core.access.stop();
    for (const node of this.#core.nodes.values()) {
      cancelTimer(node);
      stopOpening(node);
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
    this.#findAgain(state, link);
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
    // Their addresses mean nothing to another link of that name.
    state.forwarders.clear();
    this.#advertiser.detached(state);
  }

  /**
   * Whether the broker behind the gateway can be reached: while it cannot, the gateway does not
   * advertise itself, nor answer those who search one (MQTT-SN 1.2 §6.1).
   */
  setServing(serving: boolean): void {
    this.#serving = serving;
    if (this.#state !== "started") return;
    if (serving) this.#advertiser.start();
    else this.#advertiser.stop();
  }

  /** One frame from a node; see `LinkEnd`. */
  receive(link: Link, from: LinkAddress, frame: Uint8Array, reception?: Reception): void {
    const state = this.#links.get(link.name);
    if (state === undefined || state.link !== link || this.#state === "stopped") return;
    state.counters.framesIn++;
    if (!this.#core.limits.allowsAddress(state, from)) return;
    state.counters.bytesIn += frame.length;
    state.tap?.("in", from, frame);
    const message = decodeMessage(frame);
    if (message.kind === "fault") complainOfFault(this.#core, state, from, message);
    else if (message.kind === "encapsulated") this.#unwrap(state, from, message);
    else this.#take(state, from, message);
    if (reception !== undefined) this.#noteReception(state, from, reception);
  }

  /** Has a link of that name listened in on, also when it is attached later; undefined ends that. */
  tap(name: string, tap: LinkTap | undefined): void {
    this.#linkNamed(name).tap = tap;
  }

  /** `$CONTROL/gateway/v1`, with commands of other parts besides those of the gateway itself. */
  control(parts: readonly ControlPart[] = []): ControlEndpoint {
    const { scheduler, log } = this.#core;
    const own = [
      admissionCommands(this.#core),
      nodeCommands(this.#core, (clientId) => this.forget(clientId)),
      predefinedCommands(this.predefinedTopics),
    ];
    return new GatewayControl({ parts: [...own, ...parts], scheduler, log });
  }

  /**
   * Rules were made for links that had none. Nodes that came in without any are asked about now; what
   * changes in rules that there were takes effect of itself.
   */
  rulesChanged(): void {
    this.#qosMinusOne.rulesChanged();
    for (const node of this.#core.nodes.values()) giveRights(node);
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

  #take(state: LinkState, from: LinkAddress, message: SnMessage): void {
    if (message.kind === "searchgw" && !this.#advertiser.running) return;
    if (!this.#core.limits.allowsNode(state, from)) return;
    dispatch(this.#core, this.#qosMinusOne, state, from, message);
  }

  /** Of the node's own frames; those that a forwarder brings say nothing of the node behind it. */
  #noteReception(state: LinkState, from: LinkAddress, reception: Reception): void {
    const node = state.nodes.get(from.key);
    if (node === undefined) return;
    node.reception = reception;
    if (node.established) this.#core.reports.activity(node);
  }

  /** Nodes that were here before are taken to be so still, until they are heard elsewhere. */
  #findAgain(state: LinkState, link: Link): void {
    for (const node of state.nodes.values()) {
      // The others speak before they are spoken to.
      if (node.state !== "active") continue;
      node.address ??= addressOfKey(link, node.addressKey);
      if (this.#state === "started") resume(node);
    }
  }

  /** A message that a forwarder brings (MQTT-SN 1.2 §5.5). */
  #unwrap(
    state: LinkState,
    forwarder: LinkAddress,
    { wirelessNodeId, message }: Encapsulated,
  ): void {
    state.forwarders.heard(forwarder);
    const key = forwardedKey(forwarder, wirelessNodeId);
    const from =
      state.nodes.get(key)?.address ?? new ForwardedAddress(forwarder, wirelessNodeId, key);
    const inner = decodeMessage(message);
    if (inner.kind === "fault") complainOfFault(this.#core, state, from, inner);
    else this.#take(state, from, inner);
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
