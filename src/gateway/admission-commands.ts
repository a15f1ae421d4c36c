/** Commands by which operators decide on nodes: candidates, approvals, refusals, pairing. */
import type { JsonObject } from "../control/json-fields.ts";
import type { Candidate } from "./candidates.ts";
import { clientIdIn, optionalText, pageIn, pageOf, wholeIn } from "./command-parameters.ts";
import { putOut } from "./connection.ts";
import type { ControlCommand, ControlPart, ControlResult } from "./control-command.ts";
import type { Core } from "./core.ts";
import type { NodeDecision } from "./node-decisions.ts";

const NO_CLIENT_ID: ControlResult = { error: "Invalid/missing clientid" };
const NO_LINK: ControlResult = { error: "Invalid link" };
const NO_ROOM: ControlResult = { error: "There are too many decisions on nodes already" };
/** The longest time that pairing can be left open, s. */
const LONGEST_PAIRING = 86_400;

export function admissionCommands(core: Core): ControlPart {
  const { admission } = core;
  return {
    commands: new Map<string, ControlCommand>([
      ["listCandidates", (parameters) => listCandidates(core, parameters)],
      ["listDecisions", (parameters) => listDecisions(core, parameters)],
      ["approveNode", (parameters) => approveNode(core, parameters)],
      ["refuseNode", (parameters) => refuseNode(core, parameters)],
      ["forgetNode", (parameters) => forgetNode(core, parameters)],
      ["openPairing", (parameters) => openPairing(core, parameters)],
      ["closePairing", () => closePairing(core)],
      ["getPairing", () => ({ data: pairingOf(core) })],
    ]),
    settled: (done) => admission.decisions.settled(done),
  };
}

function listCandidates({ admission }: Core, parameters: JsonObject): ControlResult {
  const all = admission.candidates.list();
  const candidates = pageOf(all, pageIn(parameters)).map(describeCandidate);
  return { data: { totalCount: all.length, candidates } };
}

function listDecisions({ admission }: Core, parameters: JsonObject): ControlResult {
  const all = admission.decisions.list();
  const decisions = pageOf(all, pageIn(parameters)).map(describeDecision);
  return { data: { totalCount: all.length, decisions } };
}

/** Lets a node in from now on, candidate or not; `link` is the only one that it may use then. */
function approveNode({ admission }: Core, parameters: JsonObject): ControlResult {
  const clientId = clientIdIn(parameters);
  const link = optionalText(parameters, "link");
  if (clientId === undefined) return NO_CLIENT_ID;
  if (link === undefined) return NO_LINK;
  return admission.approve(clientId, link) ? {} : NO_ROOM;
}

/** Keeps a node out from now on, whatever the mode; one that is connected has to go. */
function refuseNode(core: Core, parameters: JsonObject): ControlResult {
  const clientId = clientIdIn(parameters);
  if (clientId === undefined) return NO_CLIENT_ID;
  if (!core.admission.refuse(clientId)) return NO_ROOM;
  putOutUnlessAdmitted(core, clientId);
  return {};
}

/** Takes back what was decided on a node. */
function forgetNode(core: Core, parameters: JsonObject): ControlResult {
  const clientId = clientIdIn(parameters);
  if (clientId === undefined) return NO_CLIENT_ID;
  if (!core.admission.forget(clientId)) return { error: "Nothing was decided on this node" };
  putOutUnlessAdmitted(core, clientId);
  return {};
}

export function putOutUnlessAdmitted(core: Core, clientId: string): void {
  const node = core.nodes.get(clientId);
  if (node === undefined || (node.client === undefined && node.dialogue === undefined)) return;
  if (!core.admission.admits(clientId, node.link?.name ?? "")) putOut(node, "it is not let in");
}

function openPairing(core: Core, parameters: JsonObject): ControlResult {
  const seconds = wholeIn(parameters, "seconds");
  const link = optionalText(parameters, "link");
  if (seconds === undefined || seconds < 1 || seconds > LONGEST_PAIRING) {
    return {
      error: `Invalid/missing seconds: expected a whole number from 1 to ${LONGEST_PAIRING}`,
    };
  }
  if (link === undefined) return NO_LINK;
  core.admission.pairing.open(seconds, link);
  return { data: pairingOf(core) };
}

function closePairing({ admission }: Core): ControlResult {
  return admission.pairing.close() ? {} : { error: "Pairing is not open" };
}

function pairingOf({ admission: { pairing, candidates } }: Core): JsonObject {
  const { left, link, paired } = pairing;
  return {
    open: left > 0,
    secondsLeft: left,
    link: link === "" ? undefined : link,
    paired,
    candidates: candidates.size,
  };
}

function describeCandidate(candidate: Candidate): JsonObject {
  const { clientId, link, address, firstSeen, lastSeen, attempts } = candidate;
  return {
    clientid: clientId,
    link,
    address,
    firstSeen: new Date(firstSeen).toISOString(),
    lastSeen: new Date(lastSeen).toISOString(),
    attempts,
  };
}

function describeDecision({ clientId, decision, link, since }: NodeDecision): JsonObject {
  return {
    clientid: clientId,
    decision,
    link: link === "" ? undefined : link,
    since: new Date(since).toISOString(),
  };
}
