/** Reads what is kept of dynamic security: Mosquitto's dynamic-security.json, and our own document. */
import { isMqttText, utf8Length } from "../../bytes/utf8.ts";
import {
  field,
  flagField,
  isObject,
  type JsonObject,
  listField,
  priorityField,
  textField,
  wholeField,
} from "../../control/json-fields.ts";
import { isTopicFilter } from "../../topics/names.ts";
import { parsePasswordRecord } from "../password-records.ts";
import {
  ACL_TYPES,
  type AclType,
  DEFAULT_ACCESS_TYPES,
  type DynsecClient,
  DynsecModel,
  type DynsecRole,
  NO_PRIORITY,
  newClient,
  newGroup,
  newRole,
} from "./model.ts";

const LONGEST_NAME = 65_535;
const MOST_LEVELS = 201;

export interface ReadModel {
  readonly model: DynsecModel;
  /** What was left out, and why. */
  readonly warnings: readonly string[];
}

/** A model; or a text that says why it is none. */
export function readModel(content: unknown): ReadModel | string {
  if (!isObject(content)) return "it holds no JSON object";
  for (const name of ["clients", "groups", "roles"]) {
    const list = field(content, name);
    if (list !== undefined && !Array.isArray(list)) return `"${name}" is no list`;
  }
  const model = new DynsecModel();
  const warnings: string[] = [];
  readGeneral(content, model);
  // Roles first, then clients, then groups: each names what came before.
  for (const json of listField(content, "roles") ?? []) readRole(json, model, warnings);
  for (const json of listField(content, "clients") ?? []) readClient(json, model, warnings);
  for (const json of listField(content, "groups") ?? []) readGroup(json, model, warnings);
  const anonymous = textField(content, "anonymousGroup");
  if (anonymous !== undefined && model.groups.has(anonymous)) model.anonymousGroup = anonymous;
  return { model, warnings };
}

/** Whether a name may be one of a client, a group or a role. */
export function isName(name: string): boolean {
  return name !== "" && isMqttText(name) && utf8Length(name) <= LONGEST_NAME;
}

/** Whether a topic may stand in an ACL. */
export function isAclTopic(topic: string): boolean {
  return (
    isTopicFilter(topic, MOST_LEVELS) && isMqttText(topic) && utf8Length(topic) <= LONGEST_NAME
  );
}

/** The type, in whatever case it is written. */
export function aclTypeOf(text: string): AclType | undefined {
  const wanted = text.toLowerCase();
  return ACL_TYPES.find((type) => type.toLowerCase() === wanted);
}

/** Adds an entry of an "acls" list; the first of a topic stays. Answers false for one that cannot be. */
export function addAcl(json: unknown, role: Pick<DynsecRole, "acls">): boolean {
  if (!isObject(json)) return false;
  const type = aclTypeOf(textField(json, "acltype") ?? "");
  const topic = textField(json, "topic");
  if (type === undefined || topic === undefined || !isAclTopic(topic)) return false;
  const acls = role.acls[type];
  if (!acls.has(topic)) {
    const allow = flagField(json, "allow") ?? false;
    acls.set(topic, { topic, priority: priorityField(json, 0), allow });
  }
  return true;
}

function readGeneral(content: JsonObject, model: DynsecModel): void {
  const changes = field(content, "changeIndex");
  if (typeof changes === "number" && Number.isSafeInteger(changes)) model.changeIndex = changes;
  const defaults = field(content, "defaultACLAccess");
  if (!isObject(defaults)) return;
  for (const type of DEFAULT_ACCESS_TYPES) {
    model.defaultAccess[type] = flagField(defaults, type) ?? false;
  }
}

function readRole(json: unknown, model: DynsecModel, warnings: string[]): void {
  const name = nameIn(json, "rolename", model.roles, warnings);
  if (name === undefined || !isObject(json)) return;
  const role = newRole(name);
  readTexts(json, role);
  role.allowWildcardSubs = flagField(json, "allowwildcardsubs") ?? true;
  for (const acl of listField(json, "acls") ?? []) {
    if (!addAcl(acl, role)) warnings.push(`an ACL of role "${name}" is not valid`);
  }
  model.roles.set(name, role);
}

function readClient(json: unknown, model: DynsecModel, warnings: string[]): void {
  const name = nameIn(json, "username", model.clients, warnings);
  if (name === undefined || !isObject(json)) return;
  const client = newClient(name);
  readTexts(json, client);
  client.disabled = flagField(json, "disabled") ?? false;
  client.clientId = textField(json, "clientid") || undefined;
  readPassword(json, client, warnings);
  readRoles(json, client.roles, model);
  model.clients.set(name, client);
}

function readPassword(json: JsonObject, client: DynsecClient, warnings: string[]): void {
  const encoded = textField(json, "encoded_password") ?? olderPassword(json);
  if (encoded === undefined) return;
  const parsed = parsePasswordRecord(encoded);
  if (parsed.ok) client.password = parsed.record;
  else warnings.push(`the password of client "${client.username}" ${parsed.problem}`);
}

/** As Mosquitto 2.0 wrote it: PBKDF2 in three fields. */
function olderPassword(json: JsonObject): string | undefined {
  const password = textField(json, "password");
  const salt = textField(json, "salt");
  if (password === undefined || salt === undefined) return undefined;
  return `$7$${wholeField(json, "iterations", 0)}$${salt}$${password}`;
}

function readGroup(json: unknown, model: DynsecModel, warnings: string[]): void {
  const name = nameIn(json, "groupname", model.groups, warnings);
  if (name === undefined || !isObject(json)) return;
  const group = newGroup(name);
  readTexts(json, group);
  readRoles(json, group.roles, model);
  model.groups.set(name, group);
  for (const member of listField(json, "clients") ?? []) {
    if (!isObject(member)) continue;
    const client = model.clients.get(textField(member, "username") ?? "");
    if (client !== undefined && !client.groups.has(name)) {
      model.join(client, group, priorityField(member, NO_PRIORITY));
    }
  }
}

function readRoles(json: JsonObject, roles: Map<string, number>, model: DynsecModel): void {
  for (const entry of listField(json, "roles") ?? []) {
    if (!isObject(entry)) continue;
    const name = textField(entry, "rolename");
    if (name === undefined || !model.roles.has(name) || roles.has(name)) continue;
    roles.set(name, priorityField(entry, NO_PRIORITY));
  }
}

function readTexts(
  json: JsonObject,
  described: { textName: string | undefined; textDescription: string | undefined },
): void {
  described.textName = textField(json, "textname");
  described.textDescription = textField(json, "textdescription");
}

function nameIn(
  json: unknown,
  key: string,
  known: ReadonlyMap<string, unknown>,
  warnings: string[],
): string | undefined {
  const name = isObject(json) ? textField(json, key) : undefined;
  if (name === undefined || !isName(name)) {
    warnings.push(`an entry has no valid "${key}"`);
    return undefined;
  }
  if (known.has(name)) {
    warnings.push(`the ${key} "${name}" occurs twice; the first counts`);
    return undefined;
  }
  return name;
}
