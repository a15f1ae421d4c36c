/** A plugin as a link of a listener's chain of access control. */
import type {
  Authentication,
  Authenticator,
  Authorizer,
  LinkRights,
  Verdict as LinkVerdict,
} from "../../auth/access-chain.ts";
import type { AccessModule } from "../../auth/access-control.ts";
import {
  type ExtendedMethod,
  type MethodExchange,
  type MethodStep,
  REFUSED,
} from "../../auth/extended-method.ts";
import type { Identity } from "../../auth/pattern.ts";
import { isMqttText } from "../../bytes/utf8.ts";
import type { QoS } from "../../mqtt/qos.ts";
import { Reason } from "../../mqtt/reason-codes.ts";
import type { Credentials } from "../../seams/access.ts";
import type {
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
  AuthorizationRequest,
  Plugin,
  PluginCredentials,
  Redirection,
} from "../../seams/plugin.ts";
import { isPromise, type PluginFence } from "./fence.ts";
import { methodsOf } from "./load-plugin.ts";

/** How long a plugin may take to find out about a client, ms: less than a client may take to connect. */
const PATIENCE = 5000;
/**
 * Where a plugin fails the client is refused, but not for a wrong password: it may come again soon, and
 * whoever shares its address is not slowed down for it.
 */
const FAILED: Authentication = { verdict: "busy" };
const LONGEST_REFERENCE = 1000;
/** The longest Authentication Data, bytes. */
const LONGEST_DATA = 65_535;

export function accessModuleOf(plugin: Plugin, fence: PluginFence): AccessModule {
  return {
    authenticator:
      plugin.authenticate === undefined ? undefined : new PluginAuthenticator(plugin, fence),
    authorizer: plugin.authorize === undefined ? undefined : new PluginAuthorizer(plugin, fence),
    methods: methodsOf(plugin).map((method) => new PluginMethod(method, fence)),
  };
}

/**
 * Whoever has proved a name by other means is not asked for it again. A node proves nothing: its name
 * is made by a rule, so that it is for the plugin to say whether it comes in.
 */
class PluginAuthenticator implements Authenticator {
  readonly #plugin: Plugin;
  readonly #fence: PluginFence;

  constructor(plugin: Plugin, fence: PluginFence) {
    this.#plugin = plugin;
    this.#fence = fence;
  }

  authenticate(credentials: Credentials, answer: (authentication: Authentication) => void): void {
    if (credentials.verified && credentials.origin !== "mqtt-sn") {
      answer({ verdict: "ignore" });
      return;
    }
    const fence = this.#fence;
    fence.eventually(
      "authenticate",
      PATIENCE,
      () => this.#plugin.authenticate?.(shown(credentials)),
      (outcome) => answer(outcome.ok ? authenticationOf(outcome.value, fence) : FAILED),
    );
  }
}

class PluginAuthorizer implements Authorizer {
  readonly perClient = true;
  readonly #plugin: Plugin;
  readonly #fence: PluginFence;

  constructor(plugin: Plugin, fence: PluginFence) {
    this.#plugin = plugin;
    this.#fence = fence;
  }

  rightsOf({ clientId, username }: Identity): LinkRights {
    return {
      mayPublish: (topic, payload, qos, retain) =>
        this.#ask({
          action: "publish",
          clientId,
          username,
          topic,
          payload,
          qos: qos as QoS,
          retain,
        }),
      mayReceive: (topic) => this.#ask({ action: "receive", clientId, username, topic }),
      maySubscribe: (topic, qos) =>
        this.#ask({ action: "subscribe", clientId, username, topic, qos: qos as QoS }),
      mayUnsubscribe: (topic) => this.#ask({ action: "unsubscribe", clientId, username, topic }),
    };
  }

  #ask(request: AuthorizationRequest): LinkVerdict {
    const verdict: unknown = this.#fence.attemptQuickly("authorize", "deny", () =>
      this.#plugin.authorize?.(request),
    );
    return verdictOf("authorize", verdict, this.#fence);
  }
}

function authenticationOf(answer: unknown, fence: PluginFence): Authentication {
  const useServer = (answer as Partial<Redirection> | null | undefined)?.useServer;
  if (useServer === undefined) return { verdict: verdictOf("authenticate", answer, fence) };
  if (typeof useServer === "string" && useServer.length <= LONGEST_REFERENCE) {
    if (isMqttText(useServer)) return { verdict: "elsewhere", serverReference: useServer };
  }
  const most = `${LONGEST_REFERENCE} characters`;
  fence.complain("authenticate", `useServer must be a text of at most ${most}; taken for a no`);
  return { verdict: "deny" };
}

function verdictOf(what: string, verdict: unknown, fence: PluginFence): "allow" | "deny" | "defer" {
  if (verdict === "allow" || verdict === "deny" || verdict === "defer") return verdict;
  if (isPromise(verdict)) {
    fence.complain(what, "must answer at once, not by a promise; taken for a no");
    verdict.then(undefined, () => {});
  } else {
    const found = typeof verdict === "string" ? `"${verdict}"` : String(verdict);
    fence.complain(what, `must answer "allow", "deny" or "defer", not ${found}; taken for a no`);
  }
  return "deny";
}

function shown(credentials: Credentials): PluginCredentials {
  const { clientId, username, password, address, listener, origin } = credentials;
  return { clientId, username, password, address, listener, origin };
}

const FAILED_STEP: MethodStep = { kind: "refused", reason: Reason.serverBusy };

class PluginMethod implements ExtendedMethod {
  readonly name: string;
  readonly #method: AuthenticationMethod;
  readonly #fence: PluginFence;

  constructor(method: AuthenticationMethod, fence: PluginFence) {
    this.name = method.method;
    this.#method = method;
    this.#fence = fence;
  }

  begin(credentials: Credentials): MethodExchange {
    const fence = this.#fence;
    const what = `authentication by ${this.name}`;
    const exchange = fence.attempt<AuthenticationExchange | undefined>(what, undefined, () =>
      this.#method.begin(shown(credentials)),
    );
    return {
      next: (data, answer) =>
        fence.eventually(
          what,
          PATIENCE,
          () => (exchange === undefined ? { answer: "deny" } : exchange.next(data?.slice())),
          (outcome) => {
            const step = outcome.ok ? stepOf(outcome.value, credentials.username) : FAILED_STEP;
            if (typeof step === "string") fence.complain(what, `${step}; taken for a no`);
            answer(typeof step === "string" ? REFUSED : step);
          },
        ),
      abandon: () => fence.tell(what, () => exchange?.abandoned?.()),
    };
  }
}

/** What the plugin's step means, or what is wrong with it. */
function stepOf(value: unknown, givenName: string | undefined): MethodStep | string {
  const step = (typeof value === "object" ? value : undefined) as AuthenticationStep | undefined;
  if (step?.answer === "deny") return REFUSED;
  if (step?.answer !== "continue" && step?.answer !== "allow") {
    return 'must answer { answer: "continue" }, { answer: "allow" } or { answer: "deny" }';
  }
  const { data } = step;
  if (data !== undefined && (!(data instanceof Uint8Array) || data.length > LONGEST_DATA)) {
    return `data must be a Uint8Array of at most ${LONGEST_DATA} bytes`;
  }
  const copy = data === undefined ? undefined : new Uint8Array(data);
  if (step.answer === "continue") return { kind: "continue", data: copy };
  const username: unknown = step.username ?? givenName;
  if (typeof username !== "string" || username === "" || !isMqttText(username)) {
    return "must name a user with its yes, as the client has named none with CONNECT";
  }
  return { kind: "proved", username, data: copy };
}
