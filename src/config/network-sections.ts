/** Where MQTT clients and browsers come in: `[[listener]]` and `[http]`. */
import * as v from "valibot";
import { isLoopback } from "./addresses.ts";
import { choice, flag, integer, list, listenAddress, port, text } from "./fields.ts";

const allowAnonymous = () =>
  v.optional(
    flag({
      description: "Let clients in that give no user name.",
      defaultText: "true on a loopback address, otherwise false",
      example: true,
      restart: true,
    }),
  );

export const ListenerSchema = v.pipe(
  v.object({
    name: v.optional(
      text({
        description: "What logs and pages call this listener.",
        defaultText: 'the protocol and the port, such as "mqtt-1883"',
        example: "mqtt-1883",
        restart: true,
      }),
      "",
    ),
    port: v.optional(port({ description: "The TCP port to listen on.", restart: true }), 1883),
    address: v.optional(
      listenAddress({
        description:
          'The address to listen on: "127.0.0.1" serves this machine only, "" every network that the machine is in.',
        restart: true,
      }),
      "127.0.0.1",
    ),
    protocol: v.optional(
      choice(["mqtt", "websockets"], {
        description: "MQTT straight over TCP, or MQTT over WebSocket.",
        restart: true,
      }),
      "mqtt",
    ),
    allow_anonymous: allowAnonymous(),
    max_connections: v.optional(
      integer(
        { min: 1, max: 1_000_000_000, also: [-1, "no limit"] },
        {
          description: "How many clients may be connected through this listener at a time.",
          restart: true,
        },
      ),
      -1,
    ),
  }),
  v.transform((listener) => ({
    ...listener,
    name: listener.name === "" ? `${listener.protocol}-${listener.port}` : listener.name,
    allow_anonymous: listener.allow_anonymous ?? isLoopback(listener.address),
  })),
  v.metadata({
    description:
      "A port for MQTT clients, one section each. Giving any replaces the default one, which is the one shown.",
  }),
);

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
    allow_anonymous: allowAnonymous(),
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
  v.transform((http) => ({
    ...http,
    allow_anonymous: http.allow_anonymous ?? isLoopback(http.address),
  })),
  v.metadata({ description: "The web server: the dashboard, and MQTT over WebSocket at /mqtt." }),
);
