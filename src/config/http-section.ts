/** The web server: `[http]`. */
import * as v from "valibot";
import { flag, list, listenAddress, port } from "./fields.ts";

const ORIGIN_RULE = {
  expected: 'an origin as browsers send it, such as "https://panel.example"',
  allows: (origin: string) => /^https?:/.test(origin) && URL.parse(origin)?.origin === origin,
};

export const HttpSchema = v.pipe(
  v.object({
    enabled: v.optional(
      flag({ description: "Serve the dashboard and MQTT over WebSocket.", restart: true }),
      true,
    ),
    port: v.optional(port({ description: "The TCP port to listen on.", restart: true }), 8080),
    address: v.optional(
      listenAddress({
        description: 'The address to listen on; "" is every network that the machine is in.',
        restart: true,
      }),
      "127.0.0.1",
    ),
    allow_anonymous: v.optional(
      flag({
        description: "Let clients in that give no user name.",
        defaultText:
          "that of [access]; without one, true on a loopback address if there are no users",
        example: true,
      }),
    ),
    metrics: v.optional(
      flag({
        description:
          "Answer /metrics for Prometheus, to those who may read $SYS: without a password where the page needs none, else by HTTP Basic with a user name and password of this broker.",
      }),
      true,
    ),
    allowed_origins: v.optional(
      list(
        {
          description:
            'Web sites besides this one whose pages may connect by WebSocket, such as "https://panel.example".',
          restart: true,
        },
        ORIGIN_RULE,
      ),
      [],
    ),
    optional: v.optional(
      flag({ description: "A port that is taken is only a warning.", hidden: true }),
      false,
    ),
  }),
  v.metadata({ description: "The web server: the dashboard, and MQTT over WebSocket at /mqtt." }),
);
