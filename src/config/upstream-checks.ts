/** What must fit together of the broker that nodes are passed on to. */
import type { Finds } from "./findings.ts";
import type { GatewayConfig } from "./schema.ts";
import type { SettledParts } from "./settle.ts";
import { quote } from "./show-value.ts";
import { hasLogin, parseUpstream } from "./upstream-address.ts";

/** What says something only with an upstream. */
const EMPTY_WITHOUT = [
  "upstream_client_id",
  "upstream_username",
  "upstream_password",
  "upstream_ca_file",
] as const;

export function checkUpstream(parts: SettledParts, finds: Finds): void {
  const { gateway, upstream_login } = parts;
  if (gateway === undefined) return;
  const seen = new Set<string>();
  for (const { index, value } of upstream_login) {
    const at = ["upstream_login", index] as const;
    if (seen.has(value.client_id)) {
      const message = `${quote(value.client_id)} has a login already`;
      finds.errors.push({ at: [...at, "client_id"], message });
    }
    seen.add(value.client_id);
    checkLogin(value, [...at], "", finds);
  }
  if (gateway.upstream === "") {
    checkUnused(gateway, finds);
    return;
  }
  if (hasLogin(gateway.upstream)) {
    const message = "must not hold a user name: use upstream_username and upstream_password";
    finds.errors.push({ at: ["gateway", "upstream"], message });
  }
  checkLogin(
    { username: gateway.upstream_username, password: gateway.upstream_password },
    ["gateway"],
    "upstream_",
    finds,
  );
  const tls = parseUpstream(gateway.upstream)?.tls === true;
  if (gateway.upstream_ca_file !== "" && !tls) {
    const message = "needs an upstream that begins with mqtts:// or wss://";
    finds.errors.push({ at: ["gateway", "upstream_ca_file"], message });
  }
  const aggregating = gateway.upstream_mode === "aggregating";
  if (aggregating && upstream_login.length > 0) {
    const message =
      'has no effect with upstream_mode = "aggregating": all nodes share a connection';
    finds.warnings.push({ at: ["upstream_login"], message });
  }
  if (!aggregating && gateway.upstream_client_id !== "") {
    const message =
      'needs upstream_mode = "aggregating": else every node has its own client id there';
    finds.errors.push({ at: ["gateway", "upstream_client_id"], message });
  }
}

function checkUnused(gateway: GatewayConfig, finds: Finds): void {
  const unused: string[] = EMPTY_WITHOUT.filter((key) => gateway[key] !== "");
  if (gateway.upstream_mode !== "transparent") unused.unshift("upstream_mode");
  for (const key of unused) {
    const message = 'needs upstream, such as upstream = "mqtt://broker.example"';
    finds.errors.push({ at: ["gateway", key], message });
  }
}

/** MQTT 3.1.1 has no password without a user name [MQTT-3.1.2-22]. */
function checkLogin(
  login: { readonly username: string; readonly password: string },
  at: readonly (string | number)[],
  prefix: string,
  finds: Finds,
): void {
  if (login.password === "" || login.username !== "") return;
  const message = `a password needs ${prefix}username`;
  finds.errors.push({ at: [...at, `${prefix}password`], message });
}
