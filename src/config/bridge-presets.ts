/** What certain brokers ask of a bridge: fills in what a file leaves out, before it is checked. */
import { parseEndpoint } from "./addresses.ts";
import { bridgeSpeaksTls } from "./bridge-tls.ts";
import type { RawTable } from "./validate.ts";

export const PRESETS = [
  "none",
  "aws-iot",
  "azure-iot-hub",
  "azure-event-grid",
  "google-compatible",
  "hivemq-cloud",
  "emqx-cloud",
  "mosquitto",
] as const;
export type Preset = (typeof PRESETS)[number];

/** A broker that knows no bridges, and whose `$SYS` is its own. */
const NO_BRIDGE = {
  tls: true,
  try_private: false,
  notifications_local_only: true,
  attempt_unsubscribe: false,
};

/** Values of `[[bridge]]`. Limits that a broker of MQTT 5.0 tells by itself are not among them. */
export const PRESET_VALUES: Readonly<Record<Preset, RawTable>> = {
  none: {},
  "aws-iot": {
    ...NO_BRIDGE,
    protocol: "mqttv50",
    max_qos: 1,
    max_inflight_messages: 100,
    max_rate: 100,
    // That of payloads alone, so that none is refused.
    max_packet_size: 131_072,
    max_topic_length: 256,
    max_topic_levels: 8,
    loop_mark: false,
  },
  "azure-iot-hub": {
    ...NO_BRIDGE,
    protocol: "mqttv311",
    max_qos: 1,
    outgoing_retain: false,
    max_packet_size: 262_144,
    loop_mark: false,
  },
  "azure-event-grid": {
    ...NO_BRIDGE,
    protocol: "mqttv50",
    max_qos: 1,
    max_packet_size: 524_288,
    loop_mark: false,
  },
  "google-compatible": {
    ...NO_BRIDGE,
    protocol: "mqttv311",
    // Ignored there, but a password needs one.
    username: "unused",
    max_qos: 1,
    outgoing_retain: false,
    max_packet_size: 262_144,
    loop_mark: false,
  },
  "hivemq-cloud": { ...NO_BRIDGE, protocol: "mqttv50" },
  "emqx-cloud": { ...NO_BRIDGE, protocol: "mqttv50" },
  mosquitto: { protocol: "mqttv311", try_private: true },
};

/** Longest keep alive, seconds. */
export const LONGEST_KEEPALIVE: Readonly<Partial<Record<Preset, number>>> = {
  "aws-iot": 1200,
  "azure-iot-hub": 1177,
  "azure-event-grid": 1160,
  "google-compatible": 1200,
};

/** Where the client id says which device the bridge is. */
export const DEVICE_ID_PRESETS: ReadonlySet<Preset> = new Set([
  "aws-iot",
  "azure-iot-hub",
  "azure-event-grid",
  "google-compatible",
]);

const ALPN_OF_AWS = "x-amzn-mqtt-ca";
const API_OF_AZURE = "?api-version=2021-04-12";
const HTTPS = 443;

/** A file's table with what presets and transports fill in for its bridges. What is wrong stays as it is. */
export function withBridgeDefaults(raw: RawTable): RawTable {
  const { bridge } = raw;
  if (!Array.isArray(bridge)) return raw;
  return { ...raw, bridge: bridge.map((one: unknown) => (isPlainTable(one) ? filled(one) : one)) };
}

function filled(given: RawTable): RawTable {
  const preset = presetOf(given);
  const bridge: Record<string, unknown> = { ...PRESET_VALUES[preset], ...given };
  const port = defaultPort(bridge);
  if (typeof bridge.address === "string") bridge.address = withPort(bridge.address, port);
  else if (Array.isArray(bridge.address)) {
    bridge.address = bridge.address.map((one: unknown) => withPort(one, port));
  }
  const [first] = [bridge.address].flat().map((one) => endpointOf(one));
  if (first === undefined) return bridge;
  if (preset === "aws-iot" && first.port === HTTPS && bridge.websocket_path === undefined) {
    bridge.alpn ??= ALPN_OF_AWS;
  }
  if (preset === "azure-iot-hub" && typeof bridge.client_id === "string") {
    // A module's id has its device's before it, as the name wants it.
    bridge.username ??= `${first.host}/${bridge.client_id}/${API_OF_AZURE}`;
  }
  return bridge;
}

function presetOf({ preset }: RawTable): Preset {
  return PRESETS.find((one) => one === preset) ?? "none";
}

function defaultPort(bridge: RawTable): number {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const secure = bridgeSpeaksTls({
    tls: bridge.tls === true,
    cafile: text(bridge.cafile),
    capath: text(bridge.capath),
    use_os_certs: bridge.use_os_certs === true,
    psk: text(bridge.psk),
  });
  if (text(bridge.websocket_path) !== "") return secure ? HTTPS : 80;
  return secure ? 8883 : 1883;
}

function withPort(address: unknown, port: number): unknown {
  if (typeof address !== "string") return address;
  const [one, other] = [parseEndpoint(address, 1), parseEndpoint(address, 2)];
  if (one === undefined || one.port === other?.port) return address;
  return `${address}:${port}`;
}

function endpointOf(address: unknown) {
  return typeof address === "string" ? parseEndpoint(address, 1) : undefined;
}

function isPlainTable(value: unknown): value is RawTable {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
