/** Who may come in, and what they may do: `[access]`. */
import * as v from "valibot";
import { flag, integer, list, path } from "./fields.ts";

export const AccessSchema = v.pipe(
  v.object({
    allow_anonymous: v.optional(
      flag({
        description: "Let clients in that give no user name, on all listeners.",
        defaultText: "true on loopback addresses if there are no users, otherwise false",
        example: true,
      }),
    ),
    password_file: v.optional(
      path({
        description:
          "Users and their passwords, as `midge passwd` and mosquitto_passwd write them.",
      }),
      "",
    ),
    acl_file: v.optional(
      path({ description: "Who may publish and read what, as Mosquitto's acl_file." }),
      "",
    ),
    psk_file: v.optional(
      path({
        description: "Identities and pre-shared keys for TLS, one identity:key a line.",
        restart: true,
      }),
      "",
    ),
    dynamic_security: v.optional(
      flag({
        description:
          "Manage clients, groups and roles while running, by `midge ctrl` or mosquitto_ctrl dynsec, at $CONTROL/dynamic-security/v1.",
        restart: true,
      }),
      false,
    ),
    dynamic_security_import: v.optional(
      path({
        description:
          "A dynamic-security.json of Mosquitto, which is taken over once, when there are no clients of dynamic security yet.",
        restart: true,
      }),
      "",
    ),
    dynamic_security_password_init_file: v.optional(
      path({
        description:
          'A file with the password that dynamic security\'s first client, "admin", is made with. Without it a random one is made and told in the log, once.',
        restart: true,
      }),
      "",
    ),
    enable_control_api: v.optional(
      flag({
        description: "Answer questions about the broker at $CONTROL/broker/v1, to those who may.",
      }),
      false,
    ),
    strict_subscribe: v.optional(
      flag({
        description:
          "Refuse subscriptions by which the client could never get a message. If false, they are accepted and stay silent, as in Mosquitto.",
      }),
      true,
    ),
    check_retain_source: v.optional(
      flag({
        description:
          "Do not deliver retained messages of clients that may not publish there any more.",
      }),
      true,
    ),
    auth_plugin_deny_special_chars: v.optional(
      flag({
        description: "Refuse user names and client ids with + or # in them before asking plugins.",
      }),
      true,
    ),
    clientid_prefixes: v.optional(
      list(
        {
          description:
            "Only clients whose client id begins with one of these are let in. None: all.",
        },
        { expected: "text that is not empty", allows: (prefix) => prefix !== "" },
      ),
      [],
    ),
    max_login_failures: v.optional(
      integer(
        { min: 0, max: 1000 },
        {
          description:
            "How many wrong passwords from one address, or for one user, are answered at once; after that each answer takes longer. 0 never slows down.",
        },
      ),
      5,
    ),
    max_login_delay: v.optional(
      integer(
        { min: 1, max: 3600 },
        {
          description: "The longest that an answer to a wrong password is put off.",
          unit: "seconds",
        },
      ),
      30,
    ),
  }),
  v.metadata({
    description:
      "Who may come in, and what they may do. It holds for all listeners that do not say otherwise.",
  }),
);
