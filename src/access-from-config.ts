/** From the configuration to who may come in by which listener, and what decides. */
import type { AccessPolicy, AccessSettings, ChainLink } from "./auth/access-policy.ts";
import { CLOSED } from "./auth/access-policy.ts";
import type { Config, ListenerConfig } from "./config/schema.ts";

/** The name under which the web server's clients are known. */
export const HTTP_LISTENER = "http";

export function accessSettingsFrom(config: Config): AccessSettings {
  const { access, http, plugin } = config;
  const policyOf = (allowAnonymous: boolean, given: ChainConfig): AccessPolicy => ({
    allowAnonymous,
    chain: chainOf(given),
    strictSubscribe: access.strict_subscribe,
    denySpecialCharacters: access.auth_plugin_deny_special_chars && given.plugins.length > 0,
  });
  const plugins = plugin.map(({ name }) => name);
  const listeners = new Map<string, AccessPolicy>();
  listeners.set(HTTP_LISTENER, policyOf(http.allow_anonymous, { ...access, plugins }));
  for (const listener of config.listener) {
    listeners.set(listener.name, policyOf(listener.allow_anonymous, listener));
  }
  const nodes = new Map<string, AccessPolicy>();
  // Nodes have no passwords; which of them come in is for the gateway's admission to say.
  for (const link of config.link) {
    nodes.set(link.name, policyOf(true, { ...link, password_file: "" }));
  }
  return {
    throttle: {
      freeFailures: access.max_login_failures,
      longestDelay: access.max_login_delay * 1000,
    },
    listeners,
    nodes,
    others: CLOSED,
    gone: policyOf(false, { ...access, plugins }),
  };
}

type ChainConfig = Pick<
  ListenerConfig,
  "password_file" | "acl_file" | "dynamic_security" | "plugins"
>;

/** As Mosquitto orders them: an ACL file decides whatever it is asked, so that it comes last. */
function chainOf(given: ChainConfig): readonly ChainLink[] {
  const { password_file, acl_file, dynamic_security, plugins } = given;
  const chain: ChainLink[] = [];
  if (dynamic_security) chain.push({ kind: "dynamic-security" });
  if (password_file !== "") chain.push({ kind: "password-file", path: password_file });
  for (const name of plugins) chain.push({ kind: "plugin", name });
  if (acl_file !== "") chain.push({ kind: "acl-file", path: acl_file });
  return chain;
}

/** Whether some listener's clients are managed by dynamic security. */
export function usesDynamicSecurity({ listener, link, gateway, access }: Config): boolean {
  const ways = gateway.enabled ? [...listener, ...link] : listener;
  return access.dynamic_security || ways.some(({ dynamic_security }) => dynamic_security);
}
