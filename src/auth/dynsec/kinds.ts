/** Clients, groups and roles as far as commands treat them alike. */
import { CommandRefusal } from "../../control/control-queue.ts";
import {
  field,
  isObject,
  type JsonObject,
  priorityField,
  textField,
} from "../../control/json-fields.ts";
import type { CommandContext } from "./command-context.ts";
import { changeTexts, type NameKey, optionalText, requiredName } from "./command-fields.ts";
import { describeClient, describeGroup, describeRole, type Json } from "./description.ts";
import {
  type DynsecClient,
  type DynsecGroup,
  type DynsecModel,
  type DynsecRole,
  NO_PRIORITY,
} from "./model.ts";

/** What a command may be about. */
export interface Kind<Item> {
  /** As it stands in the names of commands, and begins what is said of it. */
  readonly name: "Client" | "Group" | "Role";
  /** The fields that hold one and several of it. */
  readonly one: string;
  readonly many: string;
  /** The field that names one of it. */
  readonly key: NameKey;
  all(model: DynsecModel): ReadonlyMap<string, Item>;
  nameOf(item: Item): string;
  describe(item: Item, context: CommandContext): Json;
  /** Disconnects those whose rights depend on it. */
  kick(item: Item, context: CommandContext): void;
  /** Throws CommandRefusal for one that must stay. */
  checkDeletion?(item: Item, model: DynsecModel): void;
  delete(item: Item, model: DynsecModel): void;
}

export const CLIENT: Kind<DynsecClient> = {
  name: "Client",
  one: "client",
  many: "clients",
  key: "username",
  all: ({ clients }) => clients,
  nameOf: ({ username }) => username,
  describe: (client, context) => ({
    ...describeClient(client),
    connections: context.connections(client.username, client.clientId),
  }),
  kick: ({ username }, context) => context.kick(username),
  delete: (client, model) => model.deleteClient(client),
};

export const GROUP: Kind<DynsecGroup> = {
  name: "Group",
  one: "group",
  many: "groups",
  key: "groupname",
  all: ({ groups }) => groups,
  nameOf: ({ groupName }) => groupName,
  describe: describeGroup,
  kick: ({ groupName, members }, context) => {
    if (context.model.anonymousGroup === groupName) context.kick(undefined);
    for (const username of members) context.kick(username);
  },
  checkDeletion: ({ groupName }, { anonymousGroup }) => {
    if (anonymousGroup === groupName) {
      throw new CommandRefusal("Deleting the anonymous group is forbidden");
    }
  },
  delete: (group, model) => model.deleteGroup(group),
};

export const ROLE: Kind<DynsecRole> = {
  name: "Role",
  one: "role",
  many: "roles",
  key: "rolename",
  all: ({ roles }) => roles,
  nameOf: ({ roleName }) => roleName,
  describe: describeRole,
  kick: ({ roleName }, context) => {
    const { clients, groups } = context.model;
    for (const client of clients.values()) {
      if (client.roles.has(roleName)) CLIENT.kick(client, context);
    }
    for (const group of groups.values()) {
      if (group.roles.has(roleName)) GROUP.kick(group, context);
    }
  },
  delete: (role, model) => model.deleteRole(role),
};

/** The one of this name; throws CommandRefusal if there is none. */
export function itemOf<Item>(kind: Kind<Item>, model: DynsecModel, name: string): Item {
  const item = kind.all(model).get(name);
  if (item === undefined) throw new CommandRefusal(`${kind.name} not found`);
  return item;
}

/** The one that a command names. */
export function subjectOf<Item>(kind: Kind<Item>, fields: JsonObject, model: DynsecModel): Item {
  return itemOf(kind, model, requiredName(fields, kind.key));
}

/** Makes one that is new, with the texts that a command gives it; it is not part of the model yet. */
export function newItem<Item extends Parameters<typeof changeTexts>[1]>(
  kind: Kind<Item>,
  name: string,
  make: (name: string) => Item,
  fields: JsonObject,
  model: DynsecModel,
): Item {
  optionalText(fields, "textname");
  optionalText(fields, "textdescription");
  if (kind.all(model).has(name)) throw new CommandRefusal(`${kind.name} already exists`);
  const item = make(name);
  changeTexts(fields, item);
  return item;
}

/** The priorities in a "roles" list, by the roles' names; undefined where there is none. */
export function rolesIn(fields: JsonObject, model: DynsecModel): Map<string, number> | undefined {
  const list = field(fields, ROLE.many);
  if (list === undefined) return undefined;
  const roles = new Map<string, number>();
  for (const entry of Array.isArray(list) ? list : [undefined]) {
    const name = isObject(entry) ? textField(entry, ROLE.key) : undefined;
    if (!isObject(entry) || name === undefined) {
      throw new CommandRefusal("'roles' not an array or missing/invalid rolename");
    }
    itemOf(ROLE, model, name);
    if (!roles.has(name)) roles.set(name, priorityField(entry, NO_PRIORITY));
  }
  return roles;
}

/** Puts the roles that a command gives in the place of those there were, if it gives any. */
export function replaceRoles(
  holder: { readonly roles: Map<string, number> },
  roles: ReadonlyMap<string, number> | undefined,
): void {
  if (roles === undefined) return;
  holder.roles.clear();
  for (const [name, priority] of roles) holder.roles.set(name, priority);
}

/**
 * The priorities in a list of clients or groups, what is no object left out; undefined where there is
 * none. `refusal` takes the place of the words for a name that is not fit, or not known.
 */
export function prioritiesIn<Item>(
  kind: Kind<Item>,
  fields: JsonObject,
  model: DynsecModel,
  refusal?: string,
): Map<Item, number> | undefined {
  const { many, key } = kind;
  const list = field(fields, many);
  if (!Array.isArray(list)) return undefined;
  const priorities = new Map<Item, number>();
  for (const entry of list) {
    if (!isObject(entry)) continue;
    const name = textField(entry, key);
    const item = name === undefined ? undefined : kind.all(model).get(name);
    if (item === undefined) {
      const words = name === undefined ? `an invalid '${key}'` : `a '${key}' that does not exist`;
      throw new CommandRefusal(refusal ?? `'${many}' contains an object with ${words}`);
    }
    if (!priorities.has(item)) priorities.set(item, priorityField(entry, NO_PRIORITY));
  }
  return priorities;
}
