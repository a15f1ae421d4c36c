/** ADVERTISE, SEARCHGW and GWINFO (MQTT-SN 1.2 §6.1). */
import type { Advertise, GwInfo, SearchGw, SnMessage } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";
import type { Timer } from "../time/scheduler.ts";
import type { Core } from "./core.ts";
import { ForwardedAddress, hexadecimal } from "./forwarder.ts";
import type { LinkState } from "./link-state.ts";

/** What a SEARCHGW to the whole group is limited by, whoever sends it. */
const GROUP = "";
/** What log lines on other gateways are limited by. */
const OTHERS = "gateways";
const NO_ADDRESS = new Uint8Array(0);

export function gatewayIdOn(core: Core, { link }: LinkState): number {
  return link?.gatewayId ?? core.options.gatewayId;
}

/**
 * Answers to the group, as the specification has it, and to the asker alone, as many networks do
 * not carry what goes to a group. A forwarder can do either with what it gets.
 */
export function handleSearch(
  core: Core,
  link: LinkState,
  from: LinkAddress,
  { radius }: SearchGw,
): void {
  const gatewayId = gatewayIdOn(core, link);
  const info: SnMessage = { kind: "gwinfo", gatewayId, gatewayAddress: NO_ADDRESS };
  const forwarded = from instanceof ForwardedAddress;
  if (!forwarded && link.groupAnswers.allow(GROUP)) core.output.broadcast(link, info, radius);
  core.output.sendTo(link, from, info, radius);
}

/** Another gateway is there; our own does not come back from the group. */
export function handleAdvertise(
  core: Core,
  link: LinkState,
  from: LinkAddress,
  { gatewayId, duration }: Advertise,
): void {
  noteGateway(core, link, from, gatewayId, duration);
}

/** Another gateway's answer to a search; with GwAdd a client's, which may speak of any gateway. */
export function handleGwInfo(
  core: Core,
  link: LinkState,
  from: LinkAddress,
  { gatewayId, gatewayAddress }: GwInfo,
): void {
  if (gatewayAddress.length === 0) {
    noteGateway(core, link, from, gatewayId, 0);
  } else if (gatewayId !== gatewayIdOn(core, link)) {
    link.otherGateways.note(gatewayId, hexadecimal(gatewayAddress), 0);
  }
}

function noteGateway(
  core: Core,
  link: LinkState,
  from: LinkAddress,
  id: number,
  interval: number,
): void {
  const isNew = link.otherGateways.note(id, from.key, interval);
  if (!isNew || !link.complaints.allow(OTHERS)) return;
  const place = `${link.name}/${from.key}`;
  if (id === gatewayIdOn(core, link)) {
    core.log.warn(
      `another gateway at ${place} has the same id, ${id}: nodes cannot tell the two apart; give one of them another`,
    );
  } else {
    core.log.info(`another gateway, id ${id}, is at ${place}`);
  }
}

/** Sends ADVERTISE on every attached link at once, and then every T_ADV of the link. */
export class Advertiser {
  readonly #core: Core;
  readonly #links: ReadonlyMap<string, LinkState>;
  readonly #timers = new Map<LinkState, Timer>();
  #running = false;

  constructor(core: Core, links: ReadonlyMap<string, LinkState>) {
    this.#core = core;
    this.#links = links;
  }

  get running(): boolean {
    return this.#running;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    for (const link of this.#links.values()) this.attached(link);
  }

  stop(): void {
    this.#running = false;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** A link attached later is not kept waiting. */
  attached(link: LinkState): void {
    this.detached(link);
    if (this.#running && link.link !== undefined) this.#advertise(link);
  }

  detached(link: LinkState): void {
    this.#timers.get(link)?.cancel();
    this.#timers.delete(link);
  }

  #advertise(link: LinkState): void {
    const { options, output, scheduler } = this.#core;
    const duration = link.link?.advertiseInterval ?? options.advertiseInterval;
    if (duration === 0) return;
    this.#timers.set(
      link,
      scheduler.after(duration * 1000, () => this.#advertise(link)),
    );
    const gatewayId = gatewayIdOn(this.#core, link);
    const message: SnMessage = { kind: "advertise", gatewayId, duration };
    output.broadcast(link, message, 0);
    for (const forwarder of link.forwarders) output.broadcastBehind(link, forwarder, message);
  }
}
