/**
 * The configuration: the one source of its types, its checks, the example file, the table of
 * options in README and the settings page. Keys are the same in the file and in the type.
 */
import * as v from "valibot";
import { BridgeSchema } from "./bridge-sections.ts";
import { BrokerSchema } from "./broker-section.ts";
import { choice, integer, text } from "./fields.ts";
import { GatewaySchema, LinkSchema, PredefinedTopicSchema } from "./gateway-sections.ts";
import { HttpSchema, ListenerSchema } from "./network-sections.ts";

const StoreSchema = v.pipe(
  v.object({
    path: v.optional(
      text({
        description:
          'The folder for what must survive a restart; "" is /var/lib/midge if Midge may write there, otherwise ./data.',
        restart: true,
      }),
      "",
    ),
    mode: v.optional(
      choice(["strict", "interval", "memory"], {
        description:
          '"strict": a message is acknowledged only when it is safe on the disk or with all who get it. "interval": the disk is written at intervals, and a power cut loses what came since. "memory": nothing is written, and a restart loses everything.',
        restart: true,
      }),
      "strict",
    ),
    interval: v.optional(
      integer(
        { min: 10, max: 3_600_000 },
        { description: 'How often the disk is written in mode "interval".', unit: "milliseconds" },
      ),
      1000,
    ),
    grace: v.optional(
      integer(
        { min: 0, max: 60_000 },
        {
          description:
            'How long mode "strict" waits for those who get a message to acknowledge it before it writes the disk.',
          unit: "milliseconds",
        },
      ),
      50,
    ),
  }),
  v.metadata({ description: "What is kept over a restart, and how safely." }),
);

const LogSchema = v.pipe(
  v.object({
    level: v.optional(
      choice(["debug", "info", "warn", "error", "none"], {
        description: "How much to log.",
      }),
      "info",
    ),
    destination: v.optional(
      text(
        {
          description: 'Where to: "stdout", "stderr", or the path of a file.',
          restart: true,
        },
        {
          expected: '"stdout", "stderr" or the path of a file',
          allows: (destination) => destination !== "",
        },
      ),
      "stdout",
    ),
    format: v.optional(
      choice(["text", "json"], {
        description: "Lines for people, or for programs.",
        restart: true,
      }),
      "text",
    ),
  }),
  v.metadata({ description: "The log." }),
);

export const ConfigSchema = v.object({
  broker: v.optional(BrokerSchema, {}),
  listener: v.optional(v.array(ListenerSchema), [{}]),
  http: v.optional(HttpSchema, {}),
  gateway: v.optional(GatewaySchema, {}),
  predefined_topic: v.optional(v.array(PredefinedTopicSchema), []),
  link: v.optional(v.array(LinkSchema), [{}]),
  bridge: v.optional(v.array(BridgeSchema), []),
  store: v.optional(StoreSchema, {}),
  log: v.optional(LogSchema, {}),
});

export type Config = v.InferOutput<typeof ConfigSchema>;
export type BrokerConfig = Config["broker"];
export type ListenerConfig = Config["listener"][number];
export type HttpConfig = Config["http"];
export type GatewayConfig = Config["gateway"];
export type PredefinedTopicConfig = Config["predefined_topic"][number];
export type LinkConfig = Config["link"][number];
export type BridgeConfig = Config["bridge"][number];
export type BridgeTopicConfig = BridgeConfig["topic"][number];
export type StoreConfig = Config["store"];
export type LogConfig = Config["log"];
