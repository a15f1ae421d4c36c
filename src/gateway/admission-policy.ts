/**
 * Which nodes may connect: all, those that the configuration lists, or those that somebody approved
 * besides; and from where QoS -1 is taken.
 */
import { ReturnCode } from "../mqttsn/packets.ts";
import type { DocumentStore } from "../seams/documents.ts";
import type { LinkAddress } from "../seams/link.ts";
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { AddressList } from "./address-list.ts";
import { Candidates } from "./candidates.ts";
import { KnownNodes } from "./known-nodes.ts";
import { NodeDecisions } from "./node-decisions.ts";
import type { AdmissionMode, GatewayOptions } from "./options.ts";
import { PairingWindow } from "./pairing-window.ts";
import { RateLimit } from "./rate-limit.ts";
import { namedStranger } from "./sn-node.ts";

export interface AdmissionPolicyParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly documents: DocumentStore | undefined;
  readonly options: GatewayOptions;
}

/** `why` goes on after the node's name. Undefined where the log tells of it already. */
export type AdmissionVerdict =
  | { readonly admitted: true }
  | {
      readonly admitted: false;
      readonly returnCode: ReturnCode;
      readonly why: string | undefined;
    };

/** By what a node is let in, or refused, as operators are told. */
export type AdmissionReason = "open" | "listed" | "approved" | "refused" | "unknown";

const ADMITTED: AdmissionVerdict = { admitted: true };
/** Lines on new candidates, on one link within a minute. */
const CANDIDATE_LINES = 10;
const MINUTE = 60_000;

export class AdmissionPolicy {
  readonly candidates: Candidates;
  readonly decisions: NodeDecisions;
  readonly pairing: PairingWindow;
  readonly #options: GatewayOptions;
  readonly #known: KnownNodes;
  readonly #unconnected: AddressList;
  readonly #log: Log;
  readonly #lines: RateLimit;

  constructor({ clock, scheduler, log, documents, options }: AdmissionPolicyParts) {
    const limit = options.maxNodes;
    this.candidates = new Candidates(clock);
    this.decisions = new NodeDecisions({ documents, clock, scheduler, log, limit });
    this.pairing = new PairingWindow(clock, scheduler, log);
    this.#options = options;
    this.#known = new KnownNodes(options.knownNodes);
    this.#unconnected = new AddressList(options.qosMinusOneFrom);
    this.#log = log;
    this.#lines = new RateLimit(clock, CANDIDATE_LINES, MINUTE);
  }

  modeOf(link: string): AdmissionMode {
    return this.#options.links.get(link)?.admission ?? this.#options.admission;
  }

  /** What is known of a ClientId on a link, without anything coming of it. */
  reasonFor(clientId: string, link: string): AdmissionReason {
    const decision = this.decisions.get(clientId);
    if (decision?.decision === "refused") return "refused";
    const mode = this.modeOf(link);
    if (mode === "open") return "open";
    if (this.#known.includes(clientId, link)) return "listed";
    const approved =
      mode === "pairing" &&
      decision !== undefined &&
      (decision.link === "" || decision.link === link);
    return approved ? "approved" : "unknown";
  }

  admits(clientId: string, link: string): boolean {
    const reason = this.reasonFor(clientId, link);
    return reason !== "refused" && reason !== "unknown";
  }

  /** On a CONNECT: pairs the node while the window is open, and else makes it a candidate. */
  decide(clientId: string, link: string, from: LinkAddress): AdmissionVerdict {
    const reason = this.reasonFor(clientId, link);
    if (reason === "refused") return refused("was refused by an operator");
    if (reason !== "unknown") return ADMITTED;
    if (this.modeOf(link) === "known")
      return refused("is not among the nodes of the configuration");
    if (this.pairing.isOpenOn(link)) return this.#pair(clientId, link, from);
    this.#noteCandidate(clientId, link, from);
    return { admitted: false, returnCode: ReturnCode.congestion, why: undefined };
  }

  /** Lets a node in from now on. `link` is the only one that it may use, "" for all. False where no more can be kept. */
  approve(clientId: string, link: string): boolean {
    if (!this.decisions.set(clientId, "approved", link)) return false;
    this.candidates.remove(clientId);
    return true;
  }

  /** Keeps a node out from now on. False where no more can be kept. */
  refuse(clientId: string): boolean {
    if (!this.decisions.set(clientId, "refused", "")) return false;
    this.candidates.remove(clientId);
    return true;
  }

  /** Takes an approval or a refusal back; false where nothing was known of the node. */
  forget(clientId: string): boolean {
    const wasCandidate = this.candidates.remove(clientId);
    return this.decisions.delete(clientId) || wasCandidate;
  }

  /** Whether QoS -1 is taken from an address where no node is connected: it has no ClientId to judge by. */
  admitsUnconnected(link: string, from: LinkAddress): boolean {
    return this.modeOf(link) === "open" || this.#unconnected.includes(link, from);
  }

  stop(): void {
    this.pairing.close();
    this.decisions.stop();
  }

  #pair(clientId: string, link: string, from: LinkAddress): AdmissionVerdict {
    if (!this.approve(clientId, "")) {
      const why = "cannot be paired: no more nodes can be approved";
      return { admitted: false, returnCode: ReturnCode.congestion, why };
    }
    this.pairing.count();
    this.decisions.settled(() => {});
    this.#log.notice(`${namedStranger(clientId)} at ${link}/${from.key} paired`);
    return ADMITTED;
  }

  #noteCandidate(clientId: string, link: string, from: LinkAddress): void {
    const isNew = this.candidates.note(clientId, link, from.key);
    if (!isNew || !this.#lines.allow(link)) return;
    this.#log.notice(
      `${namedStranger(clientId)} at ${link}/${from.key} wants in and is not approved: it waits to be paired`,
    );
  }
}

function refused(why: string): AdmissionVerdict {
  return { admitted: false, returnCode: ReturnCode.notSupported, why };
}
