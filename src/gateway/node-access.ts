/**
 * Who a node is to access control: its ClientId, the link it comes in by, and a user name by rule,
 * as nodes have no password.
 */
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Access, Rights } from "../seams/access.ts";
import type { LinkAddress } from "../seams/link.ts";
import type { GatewayOptions } from "./options.ts";
import { hostOf } from "./sender-host.ts";

export interface NodeIdentity {
  /** Undefined for anonymous nodes. */
  readonly username: string | undefined;
  /** Undefined: everything but managing the broker. */
  readonly rights: Rights | undefined;
}

/** The identity, or why there is none. */
export type NodeAdmission = NodeIdentity | { readonly refused: ReasonCode };

const ANONYMOUS: NodeIdentity = { username: undefined, rights: undefined };

export class NodeAccess {
  readonly #access: Access | undefined;
  readonly #options: GatewayOptions;
  #stopped = false;

  constructor(access: Access | undefined, options: GatewayOptions) {
    this.#access = access;
    this.#options = options;
  }

  /** Whether rules decide what nodes on a link may do. */
  hasRulesOn(link: string): boolean {
    return this.#access !== undefined && this.#access.decides?.(link, "mqtt-sn") !== false;
  }

  /** Nobody is answered any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Calls `answer` once, within the call or later: a plugin may take a while. */
  admit(
    clientId: string,
    link: string,
    from: LinkAddress,
    answer: (admission: NodeAdmission) => void,
  ): void {
    const username = this.usernameOf(clientId, link);
    if (this.#access === undefined || !this.hasRulesOn(link)) {
      answer(username === undefined ? ANONYMOUS : { username, rights: undefined });
      return;
    }
    const credentials = {
      clientId,
      username,
      password: undefined,
      // The rule has made the name, so that there is nothing to be proved.
      verified: username !== undefined,
      address: hostOf(from),
      listener: link,
      origin: "mqtt-sn",
    } as const;
    this.#access.admit(credentials, (admission) => {
      if (this.#stopped) return;
      if (!admission.ok) answer({ refused: admission.reason });
      else if (isOut(admission.rights)) answer({ refused: Reason.notAuthorized });
      else answer({ username: admission.username, rights: admission.rights });
    });
  }

  /** `%c` in the rule stands for the ClientId, `%l` for the link's name. */
  usernameOf(clientId: string, link: string): string | undefined {
    const rule = this.#ruleOf(link);
    if (rule === "") return undefined;
    return rule.replace(/%([cl%])/g, (_all, what: string) =>
      what === "c" ? clientId : what === "l" ? link : "%",
    );
  }

  /** Whether a node is the same to access control on both links. */
  isSameOn(one: string, other: string): boolean {
    if (one === other) return true;
    if (this.hasRulesOn(one) || this.hasRulesOn(other)) return false;
    const rule = this.#ruleOf(one);
    return rule === this.#ruleOf(other) && !rule.includes("%l");
  }

  #ruleOf(link: string): string {
    return this.#options.links.get(link)?.username ?? this.#options.username;
  }
}

/** Rules may have changed between the question and the answer, or since. */
export function isOut(rights: Rights | undefined): boolean {
  return rights?.admitted?.() === false;
}
