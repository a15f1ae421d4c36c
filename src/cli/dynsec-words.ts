/** The words of `midge ctrl dynsec`, as mosquitto_ctrl has them, and the commands that they stand for. */
import {
  type ControlRequest,
  number,
  oneOf,
  type PasswordQuestion,
  plain,
  type Words,
} from "./control-words.ts";
import { CommandFailure } from "./exit-codes.ts";

const ACL_TYPES = [
  "publishClientSend",
  "publishClientReceive",
  "subscribeLiteral",
  "subscribePattern",
  "unsubscribeLiteral",
  "unsubscribePattern",
];
const DEFAULT_TYPES = ["publishClientSend", "publishClientReceive", "subscribe", "unsubscribe"];

/** In the order of the help. */
export const DYNSEC_COMMANDS: Readonly<Record<string, Words>> = {
  getDefaultACLAccess: plain(""),
  setDefaultACLAccess: {
    usage: "ACLTYPE allow|deny",
    read: ([type, access, ...rest]) => {
      const acltype = oneOf(DEFAULT_TYPES, type);
      const allow = allowance(access);
      if (rest.length > 0 || acltype === undefined || allow === undefined) return undefined;
      return { command: { acls: [{ acltype, allow }] } };
    },
  },
  getAnonymousGroup: plain(""),
  setAnonymousGroup: plain("GROUPNAME"),
  getDetails: plain(""),

  createClient: {
    usage: "USERNAME [-c CLIENTID] [-p PASSWORD | --no-password]",
    read: readCreateClient,
  },
  deleteClient: plain("USERNAME"),
  setClientPassword: {
    usage: "USERNAME [PASSWORD]",
    read: ([username, password, ...rest]) => {
      if (username === undefined || rest.length > 0) return undefined;
      if (password !== undefined) return { command: { username, password } };
      return { command: { username }, ask: questionFor(username, false) };
    },
  },
  setClientId: plain("USERNAME [CLIENTID]"),
  addClientRole: plain("USERNAME ROLENAME [PRIORITY]"),
  removeClientRole: plain("USERNAME ROLENAME"),
  getClient: plain("USERNAME"),
  listClients: plain("[COUNT [OFFSET]]"),
  enableClient: plain("USERNAME"),
  disableClient: plain("USERNAME"),
  modifyClient: withJson("USERNAME"),

  createGroup: plain("GROUPNAME"),
  deleteGroup: plain("GROUPNAME"),
  addGroupRole: plain("GROUPNAME ROLENAME [PRIORITY]"),
  removeGroupRole: plain("GROUPNAME ROLENAME"),
  addGroupClient: plain("GROUPNAME USERNAME [PRIORITY]"),
  removeGroupClient: plain("GROUPNAME USERNAME"),
  getGroup: plain("GROUPNAME"),
  listGroups: plain("[COUNT [OFFSET]]"),
  modifyGroup: withJson("GROUPNAME"),

  createRole: plain("ROLENAME"),
  deleteRole: plain("ROLENAME"),
  addRoleACL: {
    usage: "ROLENAME ACLTYPE TOPICFILTER allow|deny [PRIORITY]",
    read: ([rolename, type, topic, access, priority, ...rest]) => {
      const acltype = oneOf(ACL_TYPES, type);
      const allow = allowance(access);
      if (rest.length > 0 || acltype === undefined || allow === undefined) return undefined;
      return { command: { rolename, acltype, topic, allow, ...number("priority", priority) } };
    },
  },
  removeRoleACL: {
    usage: "ROLENAME ACLTYPE TOPICFILTER",
    read: ([rolename, type, topic, ...rest]) => {
      const acltype = oneOf(ACL_TYPES, type);
      if (rest.length > 0 || acltype === undefined || topic === undefined) return undefined;
      return { command: { rolename, acltype, topic } };
    },
  },
  getRole: plain("ROLENAME"),
  listRoles: plain("[COUNT [OFFSET]]"),
  modifyRole: withJson("ROLENAME"),
};

/** Throws CommandFailure where the words make no command. */
export function readDynsecWords(words: readonly string[]): ControlRequest {
  const [first = "", ...rest] = words;
  const name = oneOf(Object.keys(DYNSEC_COMMANDS), first);
  const known = name === undefined ? undefined : DYNSEC_COMMANDS[name];
  if (known === undefined) throw new CommandFailure(`Command '${first}' not recognised.`);
  const request = known.read(rest);
  if (request === undefined) {
    throw new CommandFailure(`It must be: dynsec ${name} ${known.usage}`.trimEnd());
  }
  return { ...request, command: { command: name, ...request.command } };
}

export function questionFor(username: string, optional: boolean): PasswordQuestion {
  return {
    question: `New password for ${username}: `,
    repeated: `Reenter password for ${username}: `,
    optional,
  };
}

/** A name, and what is to be different as JSON: mosquitto_ctrl has no such words. */
function withJson(name: string): Words {
  return {
    usage: `${name} JSON`,
    read: ([value, json, ...rest]) => {
      if (value === undefined || json === undefined || rest.length > 0) return undefined;
      let changes: unknown;
      try {
        changes = JSON.parse(json);
      } catch {
        throw new CommandFailure(`${json} is no JSON.`);
      }
      if (typeof changes !== "object" || changes === null || Array.isArray(changes)) {
        throw new CommandFailure(`${json} is no JSON object, such as {"textname":"..."}.`);
      }
      return { command: { ...changes, [name.toLowerCase()]: value } };
    },
  };
}

function readCreateClient([username, ...options]: readonly string[]): ControlRequest | undefined {
  if (username === undefined) return undefined;
  let clientid: string | undefined;
  let password: string | undefined;
  let without = false;
  for (let at = 0; at < options.length; at++) {
    const option = options[at];
    if (option === "--no-password") {
      without = true;
      continue;
    }
    const value = options[++at];
    if (value === undefined) return undefined;
    // Mosquitto 2.0 says -c, 2.1 says -i.
    if (option === "-c" || option === "-i") clientid = value;
    else if (option === "-p") password = value;
    else return undefined;
  }
  if (without && password !== undefined) return undefined;
  const ask = without || password !== undefined ? undefined : questionFor(username, true);
  return { command: { username, password, clientid }, ask };
}

function allowance(word: string | undefined): boolean | undefined {
  const access = oneOf(["allow", "deny"], word);
  return access === undefined ? undefined : access === "allow";
}
