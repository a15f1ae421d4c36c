/** What survives a restart: `[store]`. */
import * as v from "valibot";
import { choice, integer, text } from "./fields.ts";

export const StoreSchema = v.pipe(
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
    reserve: v.optional(
      integer(
        { min: 0, max: 1_000_000_000_000 },
        {
          description:
            "How much of the disk is left free: below that Midge accepts nothing more that it would have to keep, and goes on with all else; 0 is nothing.",
          unit: "bytes",
        },
      ),
      16_000_000,
    ),
  }),
  v.metadata({ description: "What is kept over a restart, and how safely." }),
);
