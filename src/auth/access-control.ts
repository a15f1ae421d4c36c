/**
 * Who may come in, and what they may do there: asks the links of each listener's chain, slows down
 * who guesses, and keeps everybody's rights in keeping with the rules.
 */
import { Reason } from "../mqtt/reason-codes.ts";
import type { Access, Admission, Credentials } from "../seams/access.ts";
import type { Log } from "../seams/log.ts";
import type { TextFiles } from "../seams/text-files.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import type { Authentication, Authenticator, Authorizer, LinkRights } from "./access-chain.ts";
import { AccessFiles } from "./access-files.ts";
import type { AccessPolicy, AccessSettings, ChainLink } from "./access-policy.ts";
import { BRIDGE_RIGHTS, ClientRights, type ProfileSource } from "./client-rights.ts";
import { type LoginAttempt, LoginThrottle } from "./login-throttle.ts";
import { DEFAULT_RECIPE, type PasswordHasher } from "./password-hasher.ts";
import { type PasswordRecord, SHA512_LENGTH } from "./password-records.ts";
import { type Identity, isDangerous } from "./pattern.ts";
import { RightsProfile } from "./rights-profile.ts";

/** Something beside files that a chain may name. */
export interface AccessModule {
  readonly authenticator?: Authenticator | undefined;
  readonly authorizer?: Authorizer | undefined;
}

export interface AccessControlParts {
  readonly settings: AccessSettings;
  readonly files: TextFiles;
  readonly hasher: PasswordHasher;
  /** What "dynamic-security" and the plugins of a chain are; a link to one that is missing refuses. */
  readonly dynamicSecurity?: AccessModule | undefined;
  readonly plugins?: ReadonlyMap<string, AccessModule> | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** Topics remembered for all clients of a user together, and for one whose rights are his own. */
const SHARED_MEMORY = 4096;
const OWN_MEMORY = 512;
const MOST_SHARED_PROFILES = 1024;
/** Between log lines about guessing, ms. */
const TELL_INTERVAL = 10_000;
/** Of a link that is configured but not there. */
const REFUSING: AccessModule = {
  authenticator: { authenticate: (_credentials, answer) => answer({ verdict: "deny" }) },
  authorizer: {
    perClient: false,
    rightsOf: () => ({
      publishing: [],
      receiving: [],
      maySubscribe: () => "deny",
      mayUnsubscribe: () => "deny",
    }),
  },
};
/** What unknown users are checked against where no user is known to take as a model. */
const DECOY: PasswordRecord = {
  ...DEFAULT_RECIPE,
  salt: new Uint8Array(12),
  hash: new Uint8Array(SHA512_LENGTH),
};

export class AccessControl implements Access, ProfileSource {
  onChange: (() => void) | undefined;
  generation = 0;
  readonly #parts: AccessControlParts;
  readonly #files: AccessFiles;
  readonly #throttle: LoginThrottle;
  readonly #profiles = new Map<string, RightsProfile>();
  #settings: AccessSettings;
  #turnedAway = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(parts: AccessControlParts) {
    this.#parts = parts;
    this.#settings = parts.settings;
    this.#files = new AccessFiles(parts);
    this.#throttle = new LoginThrottle(parts.clock, parts.settings.throttle);
  }

  /** Reads the files that the settings name. Answers all that is wrong with them: Midge must not start then. */
  load(): readonly string[] {
    const problems = this.#files.load(filesOf(this.#settings));
    if (problems.length === 0) this.#warn();
    return problems;
  }

  /**
   * Reads the files again, those of new settings if there are any. Whatever is wrong leaves everything
   * as it was, is logged, and is answered.
   */
  reload(settings: AccessSettings = this.#settings): readonly string[] {
    const problems = this.#files.load(filesOf(settings));
    if (problems.length > 0) {
      for (const problem of problems) this.#parts.log.error(problem);
      this.#parts.log.error("Access control stays as it was: its files have mistakes.");
      return problems;
    }
    this.#settings = settings;
    this.#throttle.options = settings.throttle;
    this.#warn();
    this.changed();
    return problems;
  }

  /** Some link of a chain decides otherwise than before. */
  changed(): void {
    this.generation++;
    this.#profiles.clear();
    this.onChange?.();
  }

  admit(credentials: Credentials, answer: (admission: Admission) => void): void {
    if (credentials.origin === "bridge") {
      answer({ ok: true, username: credentials.username, rights: BRIDGE_RIGHTS });
      return;
    }
    const { listener, origin, username, clientId } = credentials;
    const policy = this.#policyOf(listener, origin);
    this.#authenticate(credentials, policy, (authentication) => {
      if (authentication.verdict !== "allow") {
        const busy = authentication.verdict === "busy";
        answer({ ok: false, reason: busy ? Reason.serverBusy : Reason.notAuthorized });
        return;
      }
      const { stillValid = () => true } = authentication;
      const identity = { clientId, username };
      const rights = new ClientRights({ source: this, listener, origin, identity, stillValid });
      answer({ ok: true, username, rights });
    });
  }

  profileOf(listener: string, origin: string, identity: Identity): RightsProfile | undefined {
    const policy = this.#policyOf(listener, origin);
    const dangerous = isDangerous(identity.clientId) || isDangerous(identity.username);
    if (dangerous && policy.denySpecialCharacters === true) {
      this.#parts.log.notice(
        `ACL denying access to client "${identity.clientId}" with + or # in client id or user name`,
      );
      return undefined;
    }
    const authorizers = policy.chain
      .map((link) => this.#moduleOf(link).authorizer)
      .filter((authorizer) => authorizer !== undefined);
    const strictSubscribe = policy.strictSubscribe === true;
    if (authorizers.some(({ perClient }) => perClient)) {
      const links = authorizers.map((authorizer) => authorizer.rightsOf(identity));
      return new RightsProfile(links, { strictSubscribe, memory: OWN_MEMORY });
    }
    const { username } = identity;
    const who = username === undefined ? "" : `u${username}`;
    const key = `${origin === "mqtt-sn"}\0${listener}\0${isDangerous(identity.clientId)}\0${who}`;
    let profile = this.#profiles.get(key);
    if (profile === undefined) {
      const links: LinkRights[] = authorizers.map((authorizer) => authorizer.rightsOf(identity));
      profile = new RightsProfile(links, { strictSubscribe, memory: SHARED_MEMORY });
      if (this.#profiles.size >= MOST_SHARED_PROFILES) this.#profiles.clear();
      this.#profiles.set(key, profile);
    }
    return profile;
  }

  #authenticate(
    credentials: Credentials,
    policy: AccessPolicy,
    answer: (authentication: Authentication) => void,
  ): void {
    const { username, password, address, verified } = credentials;
    const links = policy.chain
      .map((link) => this.#moduleOf(link).authenticator)
      .filter((authenticator) => authenticator !== undefined);
    if (username === undefined || password === undefined || verified || links.length === 0) {
      this.#askLinks(links, credentials, (authentication) =>
        answer(this.#conclude(authentication, credentials)),
      );
      return;
    }
    const attempt = this.#throttle.begin(address, username);
    if (attempt === undefined) {
      this.#tellOfGuessing(address);
      answer({ verdict: "busy" });
      return;
    }
    const check = (): void =>
      this.#askLinks(links, credentials, (authentication) => {
        if (authentication.verdict !== "defer" && authentication.verdict !== "ignore") {
          this.#account(attempt, authentication);
          answer(authentication);
          return;
        }
        const concluded = this.#conclude(authentication, credentials);
        if (concluded.verdict === "allow") {
          attempt.abandoned();
          answer(concluded);
          return;
        }
        // An unknown user takes as long to refuse as a known one.
        this.#parts.hasher.verify(this.#decoyOf(policy), password, () => {
          attempt.failed();
          answer(concluded);
        });
      });
    if (attempt.wait > 0) this.#parts.scheduler.after(attempt.wait, check);
    else check();
  }

  /** One line for many: whoever guesses must not fill the log. */
  #tellOfGuessing(address: string): void {
    const now = this.#parts.clock.now();
    this.#turnedAway++;
    if (now - this.#toldAt < TELL_INTERVAL) return;
    const count = this.#turnedAway === 1 ? "" : ` (${this.#turnedAway} by now)`;
    this.#parts.log.warn(`Turned away ${address}, after too many wrong passwords${count}.`);
    this.#toldAt = now;
    this.#turnedAway = 0;
  }

  #account(attempt: LoginAttempt, { verdict }: Authentication): void {
    if (verdict === "allow") attempt.succeeded();
    else if (verdict === "deny") attempt.failed();
    else attempt.abandoned();
  }

  /** Asks one link after the other until one decides. */
  #askLinks(
    links: readonly Authenticator[],
    credentials: Credentials,
    answer: (authentication: Authentication) => void,
    at = 0,
    deferred = false,
  ): void {
    const link = links[at];
    if (link === undefined) {
      answer({ verdict: deferred ? "defer" : "ignore" });
      return;
    }
    link.authenticate(credentials, (authentication) => {
      const { verdict } = authentication;
      if (verdict === "allow" || verdict === "deny" || verdict === "busy") answer(authentication);
      else this.#askLinks(links, credentials, answer, at + 1, deferred || verdict === "defer");
    });
  }

  /** What it means that no link has decided. */
  #conclude(authentication: Authentication, credentials: Credentials): Authentication {
    const { verdict } = authentication;
    if (verdict !== "defer" && verdict !== "ignore") return authentication;
    const { username, verified, stillVerified, listener, origin } = credentials;
    if (verified) return { verdict: "allow", stillValid: stillVerified };
    // Where nobody asks for passwords, whoever may be anonymous may as well give a name.
    const counts = username === undefined || verdict === "ignore";
    const stillValid = (): boolean => counts && this.#policyOf(listener, origin).allowAnonymous;
    return stillValid() ? { verdict: "allow", stillValid } : { verdict: "deny" };
  }

  #decoyOf(policy: AccessPolicy): PasswordRecord {
    for (const link of policy.chain) {
      const decoy = this.#moduleOf(link).authenticator?.decoy;
      if (decoy !== undefined) return decoy;
    }
    return DECOY;
  }

  #policyOf(listener: string, origin: string): AccessPolicy {
    const { listeners, nodes, others } = this.#settings;
    return listeners.get(listener) ?? (origin === "mqtt-sn" ? nodes : others);
  }

  #moduleOf(link: ChainLink): AccessModule {
    switch (link.kind) {
      case "password-file":
        return { authenticator: this.#files.passwordFile(link.path) ?? REFUSING.authenticator };
      case "acl-file":
        return { authorizer: this.#files.aclFile(link.path) ?? REFUSING.authorizer };
      case "dynamic-security":
        return this.#parts.dynamicSecurity ?? REFUSING;
      case "plugin":
        return this.#parts.plugins?.get(link.name) ?? REFUSING;
    }
  }

  /** Tells of settings that hold, but protect less than they seem to. */
  #warn(): void {
    for (const [name, { chain, allowAnonymous }] of policiesOf(this.#settings)) {
      if (!allowAnonymous || chain.some(({ kind }) => kind !== "acl-file")) continue;
      for (const { path } of chain.filter((link) => link.kind === "acl-file")) {
        if (this.#files.aclFile(path)?.namesUsers !== true) continue;
        this.#parts.log.warn(
          `${path} gives rights to users, but nobody is asked for a password at ${name}: ` +
            "any client can take any name",
        );
      }
    }
  }
}

function policiesOf({ listeners, nodes, others }: AccessSettings): [string, AccessPolicy][] {
  return [...listeners, ["MQTT-SN links", nodes], ["other listeners", others]];
}

function filesOf(settings: AccessSettings): {
  passwordFiles: Set<string>;
  aclFiles: Set<string>;
} {
  const passwordFiles = new Set<string>();
  const aclFiles = new Set<string>();
  for (const [, { chain }] of policiesOf(settings)) {
    for (const link of chain) {
      if (link.kind === "password-file") passwordFiles.add(link.path);
      else if (link.kind === "acl-file") aclFiles.add(link.path);
    }
  }
  return { passwordFiles, aclFiles };
}
