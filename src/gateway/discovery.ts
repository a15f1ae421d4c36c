/** ADVERTISE, SEARCHGW and GWINFO (MQTT-SN 1.2 §6.1). */
import type { SnMessage } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";
import type { Timer } from "../time/scheduler.ts";
import type { Core } from "./core.ts";
import type { LinkState } from "./link-state.ts";

/** What a SEARCHGW to the whole group is limited by, whoever sends it. */
const GROUP = "";
const NO_ADDRESS = new Uint8Array(0);

/**
 * Answers to the group, as the specification has it, and to the asker alone, as many networks do
 * not carry what goes to a group.
 */
export function handleSearch(core: Core, link: LinkState, from: LinkAddress): void {
  const gatewayId = core.options.gatewayId;
  const info: SnMessage = { kind: "gwinfo", gatewayId, gatewayAddress: NO_ADDRESS };
  if (link.groupAnswers.allow(GROUP)) core.output.broadcast(link, info);
  core.output.sendTo(link, from, info);
}

/** Sends ADVERTISE on every attached link at once, and then every T_ADV. */
export class Advertiser {
  readonly #core: Core;
  readonly #links: ReadonlyMap<string, LinkState>;
  #timer: Timer | undefined;

  constructor(core: Core, links: ReadonlyMap<string, LinkState>) {
    this.#core = core;
    this.#links = links;
  }

  start(): void {
    if (this.#timer === undefined) this.#round();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A link attached later is not kept waiting. */
  attached(link: LinkState): void {
    if (this.#timer !== undefined) this.#advertise(link);
  }

  #round(): void {
    const interval = this.#core.options.advertiseInterval * 1000;
    this.#timer = this.#core.scheduler.after(interval, () => this.#round());
    for (const link of this.#links.values()) this.#advertise(link);
  }

  #advertise(link: LinkState): void {
    const { gatewayId, advertiseInterval: duration } = this.#core.options;
    this.#core.output.broadcast(link, { kind: "advertise", gatewayId, duration });
  }
}
