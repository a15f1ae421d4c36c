/**
 * Who may see the metrics: whoever the web server lets in, and lets read what the broker tells of
 * itself under `$SYS`. The same as for the page; the user name and password come by HTTP Basic.
 */
import { createHash } from "node:crypto";
import { Reason } from "../../mqtt/reason-codes.ts";
import type { Access, Rights } from "../../seams/access.ts";

/** `login`: a user name and password are needed, or were wrong. `busy`: to be tried again later. */
export type Verdict = "allowed" | "login" | "forbidden" | "busy";

export interface ScraperLoginParts {
  readonly access: Pick<Access, "admit">;
  /** Under what name the web server's rules are known. */
  readonly listener: string;
}

/** What those who scrape go by for rules that ask for a client id. */
export const SCRAPER_CLIENT_ID = "midge-metrics";
const FILTER = "$SYS/broker/#";
const TOPIC = "$SYS/broker/uptime";
const BASIC = /^Basic +([A-Za-z0-9+/]+=*)$/i;

interface Admitted {
  readonly digest: string;
  readonly rights: Rights;
}

export class ScraperLogin {
  readonly #parts: ScraperLoginParts;
  /** The last one, so that a password is not hashed anew four times a minute. */
  #admitted: Admitted | undefined;

  constructor(parts: ScraperLoginParts) {
    this.#parts = parts;
  }

  /** `authorization` is the header of the request; `address` the IP address that it came from. */
  async check(authorization: string | undefined, address: string): Promise<Verdict> {
    const digest = createHash("sha256")
      .update(authorization ?? "")
      .digest("base64");
    const known = this.#admitted;
    if (known?.digest === digest && known.rights.admitted?.() !== false) {
      return mayRead(known.rights);
    }
    const { username, password } = credentialsOf(authorization);
    const { access, listener } = this.#parts;
    const admission = await new Promise<Parameters<Parameters<Access["admit"]>[1]>[0]>((resolve) =>
      access.admit(
        {
          clientId: SCRAPER_CLIENT_ID,
          username,
          password,
          verified: false,
          address,
          listener,
          origin: "websocket",
        },
        resolve,
      ),
    );
    if (!admission.ok) return admission.reason === Reason.serverBusy ? "busy" : "login";
    const { rights } = admission;
    this.#admitted = { digest, rights };
    return mayRead(rights);
  }
}

function mayRead(rights: Rights): Verdict {
  return rights.maySubscribe(FILTER, 0) && rights.mayReceive(TOPIC) ? "allowed" : "forbidden";
}

/** By RFC 7617; nothing where there is nothing of that kind. */
function credentialsOf(authorization: string | undefined): {
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
} {
  const encoded = BASIC.exec(authorization ?? "")?.[1];
  const bytes = Buffer.from(encoded ?? "", "base64");
  const colon = bytes.indexOf(0x3a);
  if (colon < 0) return { username: undefined, password: undefined };
  return { username: bytes.toString("utf8", 0, colon), password: bytes.subarray(colon + 1) };
}
