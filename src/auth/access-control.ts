/**
 * Who may come in, and what they may do there: asks the links of each listener's chain, slows down
 * who guesses, and keeps everybody's rights in keeping with the rules.
 */
import { Reason } from "../mqtt/reason-codes.ts";
import type { Access, Admission, Credentials, Publisher, Rights } from "../seams/access.ts";
import type { ExtendedExchange } from "../seams/extended-authentication.ts";
import type { Log } from "../seams/log.ts";
import type { TextFiles } from "../seams/text-files.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import type { Authenticator, Authorizer, LinkRights } from "./access-chain.ts";
import { AccessFiles, type PasswordFileLink } from "./access-files.ts";
import type { AccessPolicy, AccessSettings, ChainLink } from "./access-policy.ts";
import { BRIDGE_RIGHTS, ClientRights, type ProfileSource } from "./client-rights.ts";
import { AdmittedExchange, type ExtendedMethod } from "./extended-method.ts";
import { Login } from "./login.ts";
import { LoginThrottle } from "./login-throttle.ts";
import type { PasswordEntry } from "./password-file.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { isDangerous } from "./pattern.ts";
import { RightsProfile } from "./rights-profile.ts";

/** Something beside files that a chain may name. */
export interface AccessModule {
  readonly authenticator?: Authenticator | undefined;
  readonly authorizer?: Authorizer | undefined;
  /** Methods of enhanced authentication. */
  readonly methods?: readonly ExtendedMethod[] | undefined;
}

/** Makes the methods by which the users of a password file may prove who they are. */
export type PasswordMethods = (
  users: () => ReadonlyMap<string, PasswordEntry>,
  throttle: LoginThrottle,
) => readonly ExtendedMethod[];

export interface AccessControlParts {
  readonly settings: AccessSettings;
  readonly files: TextFiles;
  readonly hasher: PasswordHasher;
  /** What "dynamic-security" and the plugins of a chain are; a link to one that is missing refuses. */
  readonly dynamicSecurity?: AccessModule | undefined;
  readonly plugins?: ReadonlyMap<string, AccessModule> | undefined;
  readonly passwordMethods?: PasswordMethods | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** Topics remembered for all clients of a user together, and for one whose rights are his own. */
const SHARED_MEMORY = 4096;
const OWN_MEMORY = 512;
const MOST_SHARED_PROFILES = 1024;
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

export class AccessControl implements Access, ProfileSource {
  onChange: (() => void) | undefined;
  generation = 0;
  readonly #parts: AccessControlParts;
  readonly #files: AccessFiles;
  readonly #throttle: LoginThrottle;
  readonly #login: Login;
  readonly #methods = new WeakMap<PasswordFileLink, readonly ExtendedMethod[]>();
  readonly #profiles = new Map<string, RightsProfile>();
  #settings: AccessSettings;

  constructor(parts: AccessControlParts) {
    this.#parts = parts;
    this.#settings = parts.settings;
    this.#files = new AccessFiles(parts);
    this.#throttle = new LoginThrottle(parts.clock, parts.settings.throttle);
    this.#login = new Login({ ...parts, throttle: this.#throttle });
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
    // A listener that is not named any more stays open until the next start, by the rules it had.
    const listeners = new Map([...this.#settings.listeners, ...settings.listeners]);
    const nodes = new Map([...this.#settings.nodes, ...settings.nodes]);
    let problems = this.#files.load(filesOf({ ...settings, listeners, nodes }));
    const left = listeners.size + nodes.size - settings.listeners.size - settings.nodes.size;
    if (problems.length > 0 && left > 0) {
      // Those rules may have gone with it: then nobody does anything there.
      problems = this.#files.load(filesOf(settings));
    }
    if (problems.length > 0) {
      for (const problem of problems) this.#parts.log.error(problem);
      this.#parts.log.error("Access control stays as it was: its files have mistakes.");
      return problems;
    }
    this.#settings = { ...settings, listeners, nodes };
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
    const links = this.#policyOf(listener, origin)
      .chain.map((link) => this.#moduleOf(link).authenticator)
      .filter((authenticator) => authenticator !== undefined);
    const open = (): boolean => this.#policyOf(listener, origin).allowAnonymous;
    this.#login.authenticate(links, credentials, open, (authentication) => {
      if (authentication.verdict === "elsewhere") {
        const { serverReference } = authentication;
        answer({ ok: false, reason: Reason.useAnotherServer, serverReference });
        return;
      }
      if (authentication.verdict !== "allow") {
        const busy = authentication.verdict === "busy";
        answer({ ok: false, reason: busy ? Reason.serverBusy : Reason.notAuthorized });
        return;
      }
      const { stillValid = () => true } = authentication;
      const publisher = { clientId, username, listener, origin };
      const rights = new ClientRights({ source: this, publisher, stillValid });
      answer({ ok: true, username, rights });
    });
  }

  decides(listener: string, origin: string): boolean {
    const { chain, allowAnonymous } = this.#policyOf(listener, origin);
    return chain.length > 0 || !allowAnonymous;
  }

  extended(method: string, credentials: Credentials): ExtendedExchange | undefined {
    const { chain } = this.#policyOf(credentials.listener, credentials.origin);
    for (const link of chain) {
      const known = this.#moduleOf(link).methods?.find(({ name }) => name === method);
      if (known === undefined) continue;
      const exchange = known.begin(credentials);
      return new AdmittedExchange({ exchange, credentials, access: this });
    }
    return undefined;
  }

  rightsOf(publisher: Publisher): Rights {
    if (publisher.origin === "bridge") return BRIDGE_RIGHTS;
    return new ClientRights({ source: this, publisher, stillValid: () => true });
  }

  profileOf(identity: Publisher): RightsProfile | undefined {
    const { listener, origin, username } = identity;
    const { listeners, nodes, gone } = this.#settings;
    const isGone = !(origin === "mqtt-sn" ? nodes : listeners).has(listener);
    const policy = (isGone ? gone : undefined) ?? this.#policyOf(listener, origin);
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

  #policyOf(listener: string, origin: string): AccessPolicy {
    const { listeners, nodes, others } = this.#settings;
    return (origin === "mqtt-sn" ? nodes : listeners).get(listener) ?? others;
  }

  #moduleOf(link: ChainLink): AccessModule {
    switch (link.kind) {
      case "password-file": {
        const file = this.#files.passwordFile(link.path);
        if (file === undefined) return REFUSING;
        return { authenticator: file, methods: this.#methodsOf(file) };
      }
      case "acl-file":
        return { authorizer: this.#files.aclFile(link.path) ?? REFUSING.authorizer };
      case "dynamic-security":
        return this.#parts.dynamicSecurity ?? REFUSING;
      case "plugin":
        return this.#parts.plugins?.get(link.name) ?? REFUSING;
    }
  }

  #methodsOf(file: PasswordFileLink): readonly ExtendedMethod[] {
    let methods = this.#methods.get(file);
    if (methods === undefined) {
      methods = this.#parts.passwordMethods?.(() => file.users, this.#throttle) ?? [];
      this.#methods.set(file, methods);
    }
    return methods;
  }

  /** Tells of settings that hold, but protect less than they seem to. */
  #warn(): void {
    // Nodes do not choose their names: a rule of the configuration does.
    for (const [name, { chain, allowAnonymous }] of this.#settings.listeners) {
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

function filesOf(settings: AccessSettings): {
  passwordFiles: Set<string>;
  aclFiles: Set<string>;
} {
  const passwordFiles = new Set<string>();
  const aclFiles = new Set<string>();
  const { listeners, nodes, others, gone = others } = settings;
  for (const { chain } of [...listeners.values(), ...nodes.values(), others, gone]) {
    for (const link of chain) {
      if (link.kind === "password-file") passwordFiles.add(link.path);
      else if (link.kind === "acl-file") aclFiles.add(link.path);
    }
  }
  return { passwordFiles, aclFiles };
}
