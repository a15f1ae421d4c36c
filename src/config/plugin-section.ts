/** Modules that have a say in who may do what: `[[plugin]]`. */
import * as v from "valibot";
import { path, settings, text } from "./fields.ts";

export const PluginSchema = v.pipe(
  v.object({
    module: path(
      {
        description: "The JavaScript module, by its path as seen from this file's folder.",
        example: "./plugins/door.mjs",
        restart: true,
      },
      { expected: "the path of a module", allows: (name) => name !== "" },
    ),
    name: v.optional(
      text({
        description: "What listeners and logs call the plugin.",
        defaultText: "the module's file name without its ending",
        example: "door",
        restart: true,
      }),
      "",
    ),
    options: v.optional(
      settings({
        description: "What the plugin is told, as it pleases.",
        defaultText: "none",
        example: {},
        restart: true,
      }),
      {},
    ),
  }),
  v.metadata({
    description:
      "A module of your own that decides who may come in and what they may do, and sees or changes messages, one section each; the README tells how to write one. None by default.",
  }),
);
