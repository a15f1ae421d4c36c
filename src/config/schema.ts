/**
 * The configuration: the one source of its types, its checks, the example file, the table of
 * options in README and the settings page. Keys are the same in the file and in the type.
 */
import * as v from "valibot";
import { AccessSchema } from "./access-section.ts";
import { BridgeSchema } from "./bridge-sections.ts";
import { BrokerSchema } from "./broker-section.ts";
import { GatewaySchema, PredefinedTopicSchema } from "./gateway-sections.ts";
import { HttpSchema } from "./http-section.ts";
import { LinkSchema } from "./link-section.ts";
import { ListenerSchema } from "./listener-section.ts";
import { LogSchema } from "./log-section.ts";
import { NodeSchema } from "./node-sections.ts";
import { PluginSchema } from "./plugin-section.ts";
import { ProcessSchema } from "./process-section.ts";
import { StoreSchema } from "./store-section.ts";
import { UpstreamLoginSchema } from "./upstream-sections.ts";

export const ConfigSchema = v.object({
  broker: v.optional(BrokerSchema, {}),
  access: v.optional(AccessSchema, {}),
  listener: v.optional(v.array(ListenerSchema), [{}]),
  plugin: v.optional(v.array(PluginSchema), []),
  http: v.optional(HttpSchema, {}),
  gateway: v.optional(GatewaySchema, {}),
  predefined_topic: v.optional(v.array(PredefinedTopicSchema), []),
  link: v.optional(v.array(LinkSchema), [{}]),
  node: v.optional(v.array(NodeSchema), []),
  upstream_login: v.optional(v.array(UpstreamLoginSchema), []),
  bridge: v.optional(v.array(BridgeSchema), []),
  store: v.optional(StoreSchema, {}),
  log: v.optional(LogSchema, {}),
  process: v.optional(ProcessSchema, {}),
});

/** What a file says, with the defaults that do not depend on other options. */
export type GivenConfig = v.InferOutput<typeof ConfigSchema>;
export type GivenListener = GivenConfig["listener"][number];
export type GivenLink = GivenConfig["link"][number];
export type GivenHttp = GivenConfig["http"];

/** An option that may be left to another is settled. */
type Settled<Table, Keys extends keyof Table> = Omit<Table, Keys> & {
  readonly [Key in Keys]-?: Exclude<Table[Key], undefined>;
};

/** With everything settled that a listener leaves to `[access]` and `[broker]`. */
export type ListenerConfig = Settled<
  GivenListener,
  | "allow_anonymous"
  | "dynamic_security"
  | "plugins"
  | "clientid_prefixes"
  | "allow_zero_length_clientid"
  | "auto_id_prefix"
  | "max_qos"
  | "max_keepalive"
  | "max_topic_alias"
  | "max_topic_alias_broker"
>;
export type HttpConfig = Settled<GivenHttp, "allow_anonymous">;

/** The same of a link. */
export type LinkConfig = Settled<
  GivenLink,
  | "gateway_id"
  | "advertise_interval"
  | "max_frame"
  | "admission"
  | "username"
  | "dynamic_security"
  | "plugins"
>;

/** The configuration in force. */
export type Config = Omit<GivenConfig, "listener" | "link" | "http"> & {
  readonly listener: readonly ListenerConfig[];
  readonly link: readonly LinkConfig[];
  readonly http: HttpConfig;
};
export type BrokerConfig = Config["broker"];
export type AccessConfig = Config["access"];
export type PluginConfig = Config["plugin"][number];
export type GatewayConfig = Config["gateway"];
export type PredefinedTopicConfig = Config["predefined_topic"][number];
export type BridgeConfig = Config["bridge"][number];
export type BridgeTopicConfig = BridgeConfig["topic"][number];
export type StoreConfig = Config["store"];
export type LogConfig = Config["log"];
export type ProcessConfig = Config["process"];
