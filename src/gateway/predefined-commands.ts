/** Commands by which operators see and change predefined topic ids. */
import { field, type JsonObject, textField } from "../control/json-fields.ts";
import { optionalText, pageIn, pageOf, wholeIn } from "./command-parameters.ts";
import type { ControlCommand, ControlPart, ControlResult } from "./control-command.ts";
import type { PredefinedSources } from "./predefined-sources.ts";

export function predefinedCommands(sources: PredefinedSources): ControlPart {
  return {
    commands: new Map<string, ControlCommand>([
      ["listPredefinedTopics", (parameters) => list(sources, parameters)],
      ["addPredefinedTopic", (parameters) => add(sources, parameters)],
      ["deletePredefinedTopic", (parameters) => remove(sources, parameters)],
    ]),
    settled: (done) => sources.settled(done),
  };
}

function list(sources: PredefinedSources, parameters: JsonObject): ControlResult {
  const all = sources.list();
  return { data: { totalCount: all.length, topics: pageOf(all, pageIn(parameters)) } };
}

function add(sources: PredefinedSources, parameters: JsonObject): ControlResult {
  const id = idIn(parameters);
  const name = textField(parameters, "name");
  const node = optionalText(parameters, "node");
  if (id === undefined) return { error: "Invalid/missing id" };
  if (name === undefined) return { error: "Invalid/missing name" };
  if (node === undefined) return { error: "Invalid node" };
  return outcome(sources.add({ id, name, node }));
}

function remove(sources: PredefinedSources, parameters: JsonObject): ControlResult {
  const id = idIn(parameters);
  const node = optionalText(parameters, "node");
  if (id === undefined) return { error: "Invalid/missing id" };
  if (node === undefined) return { error: "Invalid node" };
  return outcome(sources.remove(id, node === "*" ? "" : node));
}

/** As command lines give it, too: in quotes. */
function idIn(parameters: JsonObject): number | undefined {
  const id = field(parameters, "id");
  if (typeof id === "string" && /^\d{1,5}$/.test(id)) return Number(id);
  return wholeIn(parameters, "id");
}

function outcome(problem: string | undefined): ControlResult {
  return problem === undefined ? {} : { error: problem };
}
