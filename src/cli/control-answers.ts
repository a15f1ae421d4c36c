/** What `midge ctrl` prints of answers, as mosquitto_ctrl does. */
import { field, isObject, type JsonObject, listField, textField } from "../control/json-fields.ts";
import { GATEWAY_ANSWERS } from "./gateway-answers.ts";

/** The lines for the answer to a command; "" for one that has nothing to tell. */
export function describeAnswer(command: string, data: JsonObject): string {
  const describe = ANSWERS[command.toLowerCase()];
  return describe === undefined
    ? ""
    : describe(data)
        .map((line) => `${line}\n`)
        .join("");
}

type Describe = (data: JsonObject) => string[];

const ANSWERS: Readonly<Record<string, Describe>> = {
  listclients: (data) => names(data, "clients", "username"),
  listgroups: (data) => names(data, "groups", "groupname"),
  listroles: (data) => names(data, "roles", "rolename"),
  getclient: (data) => inside(data, "client", client),
  getgroup: (data) => inside(data, "group", group),
  getrole: (data) => inside(data, "role", role),
  getanonymousgroup: (data) => inside(data, "group", (it) => [textField(it, "groupname") ?? ""]),
  getdefaultaclaccess: (data) =>
    objects(data, "acls").map(
      (acl) => `${(textField(acl, "acltype") ?? "").padEnd(20)} : ${allowance(acl)}`,
    ),
  listlisteners: (data) =>
    objects(data, "listeners").map((it) => {
      const where = textField(it, "socket-path") ?? textField(it, "bind-address") ?? "*";
      const tls = field(it, "tls") === true ? " TLS" : "";
      return `${where} ${field(it, "port")} ${textField(it, "protocol")}${tls}`;
    }),
  listplugins: (data) =>
    objects(data, "plugins").map((it) =>
      [
        textField(it, "name"),
        textField(it, "version"),
        ...(listField(it, "control-endpoints") ?? []),
      ]
        .filter((part) => part !== undefined)
        .join(" "),
    ),
  ...GATEWAY_ANSWERS,
  getdetails: (data) => Object.entries(data).map(([name, value]) => `${name}: ${value}`),
};

function client(it: JsonObject): string[] {
  const width = "Connections:".length;
  const lines = [labelled("Username:", width, textField(it, "username") ?? "")];
  const clientId = textField(it, "clientid");
  lines.push(clientId === undefined ? "Clientid:" : labelled("Clientid:", width, clientId));
  if (field(it, "disabled") === true) lines.push(labelled("Disabled:", width, "true"));
  return [
    ...lines,
    ...listed(it, "roles", "Roles:", width, (entry) => withPriority(entry, "rolename")),
    ...listed(it, "groups", "Groups:", width, (entry) => withPriority(entry, "groupname")),
    ...listed(it, "connections", "Connections:", width, (entry) => textField(entry, "address")),
  ];
}

function group(it: JsonObject): string[] {
  const width = "Groupname:".length;
  return [
    labelled("Groupname:", width, textField(it, "groupname") ?? ""),
    ...listed(it, "roles", "Roles:", width, (entry) => withPriority(entry, "rolename")),
    ...listed(it, "clients", "Clients:", width, (entry) => textField(entry, "username")),
  ];
}

function role(it: JsonObject): string[] {
  const acls = objects(it, "acls").map((acl, at) => {
    const type = (textField(acl, "acltype") ?? "").padEnd(20);
    const access = allowance(acl).padEnd(5);
    const priority = field(acl, "priority") ?? -1;
    const label = at === 0 ? "ACLs:     " : "          ";
    return `${label}${type} : ${access} : ${textField(acl, "topic") ?? ""} (priority: ${priority})`;
  });
  return [`Rolename: ${textField(it, "rolename") ?? ""}`, ...acls];
}

/** The label stands before the first entry only. */
function listed(
  it: JsonObject,
  key: string,
  label: string,
  width: number,
  describe: (entry: JsonObject) => string | undefined,
): string[] {
  if (listField(it, key) === undefined) return [label];
  return objects(it, key).map((entry, at) =>
    labelled(at === 0 ? label : "", width, describe(entry) ?? ""),
  );
}

function withPriority(entry: JsonObject, key: string): string {
  return `${textField(entry, key) ?? ""} (priority: ${field(entry, "priority") ?? -1})`;
}

function names(data: JsonObject, list: string, key: string): string[] {
  return (listField(data, list) ?? []).map((entry) =>
    isObject(entry) ? (textField(entry, key) ?? "") : String(entry),
  );
}

function inside(data: JsonObject, key: string, describe: Describe): string[] {
  const it = field(data, key);
  return isObject(it) ? describe(it) : [];
}

function objects(it: JsonObject, key: string): JsonObject[] {
  return (listField(it, key) ?? []).filter(isObject);
}

function allowance(acl: JsonObject): string {
  return field(acl, "allow") === true ? "allow" : "deny";
}

function labelled(label: string, width: number, value: string): string {
  return `${label.padEnd(width)} ${value}`;
}
