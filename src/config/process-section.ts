/** Midge as a process of the system: `[process]`. */
import * as v from "valibot";
import { path, text } from "./fields.ts";

export const ProcessSchema = v.pipe(
  v.object({
    user: v.optional(
      text(
        {
          description:
            'The user to go on as once the ports are open, if Midge is started by root; "" stays what it is.',
          restart: true,
        },
        {
          expected: "the name of a user",
          allows: (name) => /^[a-z_][a-z0-9_.-]{0,31}\$?$/i.test(name) || name === "",
        },
      ),
      "",
    ),
    pid_file: v.optional(
      path({ description: "A file to write the process id to.", restart: true }),
      "",
    ),
  }),
  v.metadata({ description: "The process." }),
);
