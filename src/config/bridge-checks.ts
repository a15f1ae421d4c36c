/** What must fit together within a bridge. */
import { isTopicFilter } from "../topics/names.ts";
import { DEVICE_ID_PRESETS, LONGEST_KEEPALIVE } from "./bridge-presets.ts";
import { bridgeSpeaksTls } from "./bridge-tls.ts";
import type { Finds } from "./findings.ts";
import type { KeyPath } from "./key-path.ts";
import type { BridgeConfig, BridgeTopicConfig } from "./schema.ts";
import { quote } from "./show-value.ts";

type Tell = (key: string, message: string) => void;

export function checkBridge(bridge: BridgeConfig, at: KeyPath, finds: Finds): void {
  const wrong: Tell = (key, message) => finds.errors.push({ at: [...at, key], message });
  const warn: Tell = (key, message) => finds.warnings.push({ at: [...at, key], message });
  if (bridge.topic.length === 0) {
    finds.warnings.push({ at, message: "the bridge shares nothing: it has no topics" });
  }
  if (bridge.restart_timeout_cap < bridge.restart_timeout) {
    const message = `must not be below restart_timeout, which is ${bridge.restart_timeout}`;
    wrong("restart_timeout_cap", message);
  }
  if (bridge.notifications && bridge.notification_topic === "" && /[+#]/.test(bridge.client_id)) {
    wrong("client_id", "with + or # in it, no topic can be made of it: set notification_topic");
  }
  for (const [index, topic] of bridge.topic.entries()) {
    const message = mappingFault(topic);
    if (message !== undefined) {
      finds.errors.push({ at: [...at, "topic", index, "pattern"], message });
    }
  }
  if (bridge.age_property !== "" && bridge.protocol !== "mqttv50") {
    warn("age_property", 'has no effect before MQTT 5.0: set protocol = "mqttv50"');
  }
  checkPreset(bridge, wrong);
  checkLogin(bridge, wrong);
  checkTls(bridge, wrong);
}

function checkPreset({ preset, client_id, keepalive }: BridgeConfig, wrong: Tell): void {
  if (DEVICE_ID_PRESETS.has(preset) && client_id === "") {
    wrong("preset", `${preset} needs client_id: the id that the device has there`);
  }
  const longest = LONGEST_KEEPALIVE[preset];
  if (longest !== undefined && keepalive > longest) {
    wrong("keepalive", `${preset} takes ${longest} seconds at most`);
  }
}

function checkLogin(bridge: BridgeConfig, wrong: Tell): void {
  const { username, password, preset, shared_access_key, jwt_keyfile } = bridge;
  if (password !== "" && username === "") wrong("password", "a password needs a username");
  if (shared_access_key !== "" && preset !== "azure-iot-hub") {
    wrong("shared_access_key", 'is for preset = "azure-iot-hub"');
  }
  const ways = [password, shared_access_key, jwt_keyfile].filter((one) => one !== "");
  if (ways.length > 1) {
    const key = shared_access_key !== "" ? "shared_access_key" : "jwt_keyfile";
    wrong(key, "only one of password, shared_access_key and jwt_keyfile can be used");
  }
  if (
    jwt_keyfile !== "" &&
    bridge.jwt_audience === "" &&
    !/^projects\/[^/]+\//.test(bridge.client_id)
  ) {
    wrong("jwt_keyfile", "needs jwt_audience, or a client_id that begins with projects/");
  }
}

const ONLY_WITH_TLS = [
  "certfile",
  "keyfile",
  "insecure",
  "alpn",
  "ciphers",
  "ciphers_tls13",
] as const;

function checkTls(bridge: BridgeConfig, wrong: Tell): void {
  const { certfile, keyfile, psk, psk_identity } = bridge;
  if (certfile !== "" && keyfile === "") wrong("certfile", "needs keyfile");
  if (keyfile !== "" && certfile === "") wrong("keyfile", "needs certfile");
  if (psk !== "" && psk_identity === "") wrong("psk", "needs psk_identity");
  if (psk_identity !== "" && psk === "") wrong("psk_identity", "needs psk");
  if (psk !== "") {
    const other = (["certfile", "cafile", "capath"] as const).find((key) => bridge[key] !== "");
    if (other !== undefined) wrong("psk", `cannot be used together with ${other}`);
  }
  if (bridgeSpeaksTls(bridge)) return;
  for (const key of ONLY_WITH_TLS) {
    if (bridge[key] === "" || bridge[key] === false) continue;
    wrong(key, "has no effect without TLS: set cafile, capath or use_os_certs, too");
  }
}

/** Far above what brokers allow; the broker's own limit holds at run time. */
const MOST_LEVELS = 65_535;

/** Why a bridge cannot map these topics, as Mosquitto judges it. */
function mappingFault(topic: BridgeTopicConfig): string | undefined {
  const { pattern, local_prefix: local, remote_prefix: remote } = topic;
  if (pattern === "" && (local === "" || remote === "")) {
    return "an empty pattern needs both local_prefix and remote_prefix";
  }
  const bad = [local + pattern, remote + pattern].find(
    (filter) => !isTopicFilter(filter, MOST_LEVELS),
  );
  return bad === undefined ? undefined : `${quote(bad)} is no topic filter`;
}
