/** The words of `midge ctrl gateway`, and the commands that they stand for. */
import { type ControlRequest, oneOf, plain, type Words } from "./control-words.ts";
import { CommandFailure } from "./exit-codes.ts";

/** In the order of the help. */
export const GATEWAY_COMMANDS: Readonly<Record<string, Words>> = {
  listCandidates: plain("[COUNT [OFFSET]]"),
  approveNode: plain("CLIENTID [LINK]"),
  refuseNode: plain("CLIENTID"),
  forgetNode: plain("CLIENTID"),
  listDecisions: plain("[COUNT [OFFSET]]"),
  openPairing: plain("SECONDS [LINK]"),
  closePairing: plain(""),
  getPairing: plain(""),

  listNodes: plain("[COUNT [OFFSET]]"),
  getNode: plain("CLIENTID"),
  removeNode: plain("CLIENTID"),

  listPredefinedTopics: plain(""),
  addPredefinedTopic: plain("ID NAME [NODE]"),
  deletePredefinedTopic: plain("ID [NODE]"),
};

export const GATEWAY_HELP = `approveNode lets a node in for good, refuseNode keeps it out, forgetNode takes either back.
openPairing approves every node that connects while it is open. removeNode has a node forgotten
with its session, topic ids and will.`;

/** Throws CommandFailure where the words make no command. */
export function readGatewayWords([first = "", ...rest]: readonly string[]): ControlRequest {
  const name = oneOf(Object.keys(GATEWAY_COMMANDS), first);
  const known = name === undefined ? undefined : GATEWAY_COMMANDS[name];
  if (known === undefined) {
    const all = Object.keys(GATEWAY_COMMANDS).join(", ");
    throw new CommandFailure(`Command '${first}' not recognised: ${all}.`);
  }
  const request = known.read(rest);
  if (request === undefined) {
    throw new CommandFailure(`It must be: gateway ${name} ${known.usage}`.trimEnd());
  }
  return { command: { command: name, ...request.command } };
}
