/** Where the log goes, and what it tells: `[log]`. */
import * as v from "valibot";
import { choice, choices, flag, integer, list, text } from "./fields.ts";

export const LOG_TYPES = [
  "debug",
  "error",
  "warning",
  "notice",
  "information",
  "subscribe",
  "unsubscribe",
  "websockets",
  "internal",
  "none",
  "all",
] as const;

export const LogSchema = v.pipe(
  v.object({
    log_dest: v.optional(
      list(
        {
          description:
            'Where to, one or several: "stdout", "stderr", "syslog", "topic" ($SYS/broker/log/...), "none", or "file" and a path. The file is opened anew on SIGHUP.',
        },
        {
          expected: '"stdout", "stderr", "syslog", "topic", "none" or "file PATH"',
          allows: (name) => /^(stdout|stderr|syslog|topic|none|file \S.*)$/.test(name),
        },
      ),
      ["stdout"],
    ),
    log_type: v.optional(
      choices(LOG_TYPES, {
        description:
          'What to tell. "subscribe" and "unsubscribe" tell of subscriptions, "debug" of every packet, "all" everything.',
      }),
      ["error", "warning", "notice", "information"],
    ),
    connection_messages: v.optional(
      flag({ description: "Tell of clients that connect and disconnect." }),
      true,
    ),
    log_timestamp: v.optional(
      flag({ description: "Begin each line with the time, except in the journal and syslog." }),
      true,
    ),
    log_timestamp_format: v.optional(
      text({
        description:
          'How the time is written, as strftime(3) has it, in local time; "" means seconds since 1970.',
      }),
      "%Y-%m-%dT%H:%M:%S",
    ),
    log_facility: v.optional(
      integer(
        { min: 0, max: 7, also: [-1, 'the facility "daemon"'] },
        { description: "The facility of syslog: 5 means local5." },
      ),
      -1,
    ),
    format: v.optional(
      choice(["text", "json"], { description: "Lines for people, or for programs." }),
      "text",
    ),
  }),
  v.metadata({ description: "The log." }),
);
