/** Which nodes somebody has approved or refused by hand. Kept in a document. */
import { isObject, textField } from "../control/json-fields.ts";
import type { DocumentStore } from "../seams/documents.ts";
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { KeptDocument } from "./kept-document.ts";

export interface NodeDecision {
  readonly clientId: string;
  readonly decision: "approved" | "refused";
  /** The only link that an approval holds for; "" for all. */
  readonly link: string;
  /** Wall clock ms. */
  readonly since: number;
}

export interface NodeDecisionsParts {
  readonly documents: DocumentStore | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** How many decisions are kept. */
  readonly limit: number;
}

/** The document's name. */
export const NODE_DECISIONS_DOCUMENT = "node-decisions";

export class NodeDecisions {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #document: KeptDocument;
  readonly #list = new Map<string, NodeDecision>();
  #loaded = false;

  constructor({ documents, clock, scheduler, log, limit }: NodeDecisionsParts) {
    this.#clock = clock;
    this.#limit = limit;
    this.#document = new KeptDocument({
      documents,
      name: NODE_DECISIONS_DOCUMENT,
      describe: () => ({ nodes: [...this.#list.values()] }),
      scheduler,
      log,
    });
  }

  /** Takes over what is kept, the first time. */
  load(): void {
    if (this.#loaded) return;
    this.#loaded = true;
    const content = this.#document.load();
    if (content === undefined) return;
    const nodes = isObject(content) ? content.nodes : undefined;
    const read = Array.isArray(nodes) ? nodes.map(readDecision) : [undefined];
    if (read.includes(undefined)) this.#document.seal("it does not list decisions on nodes");
    for (const decision of read) {
      if (decision !== undefined) this.#list.set(decision.clientId, decision);
    }
  }

  list(): readonly NodeDecision[] {
    return [...this.#list.values()];
  }

  get(clientId: string): NodeDecision | undefined {
    return this.#list.get(clientId);
  }

  /** False where there is no room for another. */
  set(clientId: string, decision: NodeDecision["decision"], link: string): boolean {
    if (!this.#list.has(clientId) && this.#list.size >= this.#limit) return false;
    this.#list.set(clientId, { clientId, decision, link, since: this.#clock.wall() });
    this.#document.changed();
    return true;
  }

  /** False where there was no decision. */
  delete(clientId: string): boolean {
    if (!this.#list.delete(clientId)) return false;
    this.#document.changed();
    return true;
  }

  /** Calls `done` once what has changed is kept, or cannot be for long. */
  settled(done: () => void): void {
    this.#document.settled(done);
  }

  stop(): void {
    this.#document.stop();
  }
}

function readDecision(json: unknown): NodeDecision | undefined {
  if (!isObject(json)) return undefined;
  const clientId = textField(json, "clientId");
  const decision = textField(json, "decision");
  const { since } = json;
  if (clientId === undefined || clientId === "") return undefined;
  if (decision !== "approved" && decision !== "refused") return undefined;
  const link = textField(json, "link") ?? "";
  return { clientId, decision, link, since: typeof since === "number" ? since : 0 };
}
