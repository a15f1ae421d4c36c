/** Commands by which operators see nodes, and forget them. */
import { field, type JsonObject } from "../control/json-fields.ts";
import { clientIdIn, optionalText, pageIn, pageOf } from "./command-parameters.ts";
import type { ControlCommand, ControlPart, ControlResult } from "./control-command.ts";
import type { Core } from "./core.ts";
import { describe } from "./reports.ts";
import type { SnNode } from "./sn-node.ts";

/** Forgets a node with all that is kept for it; false if there is none. */
export type ForgetNode = (clientId: string) => boolean;

export function nodeCommands(core: Core, forget: ForgetNode): ControlPart {
  const { decisions } = core.admission;
  return {
    commands: new Map<string, ControlCommand>([
      ["listNodes", (parameters) => listNodes(core, parameters)],
      ["getNode", (parameters) => getNode(core, parameters)],
      ["removeNode", (parameters) => removeNode(core, forget, parameters)],
    ]),
    settled: (done) => decisions.settled(done),
  };
}

/** Those in one state or on one link, if asked for; as ClientIds, or in full if `verbose`. */
function listNodes(core: Core, parameters: JsonObject): ControlResult {
  const state = optionalText(parameters, "state");
  const link = optionalText(parameters, "link");
  if (state === undefined) return { error: "Invalid state" };
  if (link === undefined) return { error: "Invalid link" };
  const verbose = field(parameters, "verbose") === true;
  const fits = (node: SnNode): boolean =>
    node.established &&
    (state === "" || node.state === state) &&
    (link === "" || node.link?.name === link);
  const all = [...core.nodes.values()].filter(fits);
  const page = pageOf(all, pageIn(parameters));
  const nodes = page.map((node) => (verbose ? describeNode(core, node) : node.clientId));
  return { data: { totalCount: all.length, nodes } };
}

function getNode(core: Core, parameters: JsonObject): ControlResult {
  const clientId = clientIdIn(parameters);
  if (clientId === undefined) return { error: "Invalid/missing clientid" };
  const node = core.nodes.get(clientId);
  if (node === undefined) return { error: "Node not found" };
  return { data: { node: describeNode(core, node) } };
}

/** Has a node go, with its session, its topic ids, its will, and what was decided on it. */
function removeNode(core: Core, forget: ForgetNode, parameters: JsonObject): ControlResult {
  const clientId = clientIdIn(parameters);
  if (clientId === undefined) return { error: "Invalid/missing clientid" };
  const decided = core.admission.forget(clientId);
  return forget(clientId) || decided ? {} : { error: "Node not found" };
}

function describeNode(core: Core, node: SnNode): JsonObject {
  return {
    clientid: node.clientId,
    ...describe(node, core.clock),
    clientId: undefined,
    username: node.identity?.username,
    admission: core.admission.reasonFor(node.clientId, node.link?.name ?? ""),
  };
}
