/** Passing nodes on to another broker: parts of `[gateway]`, and `[[upstream_login]]`. */
import * as v from "valibot";
import { choice, integer, path, text } from "./fields.ts";
import { hasLogin, parseUpstream } from "./upstream-address.ts";

/** Of `[gateway]`. */
export const GATEWAY_UPSTREAM = {
  upstream: v.optional(
    text(
      {
        description:
          'Another broker to pass all nodes on to, such as "mqtt://broker.example:1883"; also with mqtts://, ws:// and wss://. "" makes them clients of this one.',
        restart: true,
      },
      {
        expected: 'a URL such as "mqtt://host:1883", or ""',
        // What has a password in it is refused elsewhere, without being shown.
        allows: (url) => url === "" || hasLogin(url) || parseUpstream(url) !== undefined,
      },
    ),
    "",
  ),
  upstream_mode: v.optional(
    choice(["transparent", "aggregating"], {
      description:
        "Whether each node has a connection of its own to that broker, under its own client id, or all share one.",
      restart: true,
    }),
    "transparent",
  ),
  upstream_protocol: v.optional(
    choice(["mqttv5", "mqttv311"], {
      description:
        "The version of MQTT to speak with that broker. Only with mqttv5 it can refuse single messages.",
      restart: true,
    }),
    "mqttv5",
  ),
  upstream_client_id: v.optional(
    text({
      description: "The client id of the connection that all share.",
      defaultText: "this machine's host name and .gateway",
      example: "",
      restart: true,
    }),
    "",
  ),
  upstream_username: v.optional(
    text({
      description:
        "The user name at that broker: %c stands for the node's client id, %l for the link's name, %% for a percent sign. [[upstream_login]] goes before it.",
      restart: true,
    }),
    "",
  ),
  upstream_password: v.optional(
    text({
      description:
        "The password at that broker, made as upstream_username. Keep this file from being read by others.",
      secret: true,
      restart: true,
    }),
    "",
  ),
  upstream_ca_file: v.optional(
    path({
      description:
        'The CAs that the certificate of that broker may come from, PEM; "" means those that the system trusts.',
      restart: true,
    }),
    "",
  ),
  upstream_keepalive: v.optional(
    integer(
      { min: 5, max: 65_535 },
      {
        description: "After how long without traffic a connection to that broker sends a ping.",
        unit: "seconds",
        restart: true,
      },
    ),
    60,
  ),
};

export const UpstreamLoginSchema = v.pipe(
  v.object({
    client_id: text(
      {
        description: "The node's client id, or a pattern: * stands for any characters.",
        example: "sensor-*",
        restart: true,
      },
      { expected: "text that is not empty", allows: (id) => id !== "" },
    ),
    username: v.optional(
      text({
        description: 'The user name, made as upstream_username; "" means none.',
        restart: true,
      }),
      "",
    ),
    password: v.optional(
      text({
        description: 'The password, made as upstream_username; "" means none.',
        secret: true,
        restart: true,
      }),
      "",
    ),
  }),
  v.metadata({
    description:
      "What some nodes log in with at the broker that gateway.upstream names, one section each; the most exact client_id counts. None by default.",
  }),
);
