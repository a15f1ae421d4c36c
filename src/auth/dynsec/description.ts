/** Clients, groups and roles as JSON: in answers, and in the document that is kept. */

import { encodeBase64 } from "../../bytes/base64.ts";
import { formatPasswordRecord } from "../password-records.ts";
import {
  ACL_TYPES,
  aclsInOrder,
  byPriority,
  compare,
  DEFAULT_ACCESS_TYPES,
  type DynsecClient,
  type DynsecGroup,
  type DynsecModel,
  type DynsecRole,
  NO_PRIORITY,
  sortedByName,
} from "./model.ts";

/** JSON.stringify leaves out what is undefined. */
export type Json = Readonly<Record<string, unknown>>;

export function describeClient(client: DynsecClient): Json {
  const { username, clientId, textName, textDescription, disabled, roles, groups } = client;
  return {
    username,
    clientid: clientId,
    textname: textName,
    textdescription: textDescription,
    disabled: disabled || undefined,
    roles: prioritised(roles, "rolename"),
    groups: prioritised(groups, "groupname"),
  };
}

export function describeGroup(group: DynsecGroup): Json {
  const { groupName, textName, textDescription, roles, members } = group;
  return {
    groupname: groupName,
    textname: textName,
    textdescription: textDescription,
    clients: [...members].sort(compare).map((username) => ({ username })),
    roles: prioritised(roles, "rolename"),
  };
}

export function describeRole(role: DynsecRole): Json {
  const { roleName, textName, textDescription, allowWildcardSubs, acls } = role;
  return {
    rolename: roleName,
    textname: textName,
    textdescription: textDescription,
    allowwildcardsubs: allowWildcardSubs,
    acls: ACL_TYPES.flatMap((acltype) =>
      aclsInOrder(acls[acltype]).map(({ topic, priority, allow }) => ({
        acltype,
        topic,
        priority,
        allow,
      })),
    ),
  };
}

export function describeDefaultAccess({ defaultAccess }: DynsecModel): Json[] {
  return DEFAULT_ACCESS_TYPES.map((acltype) => ({ acltype, allow: defaultAccess[acltype] }));
}

/** All of it, as Mosquitto's dynamic-security.json has it. */
export function describeModel(model: DynsecModel): Json {
  return {
    changeIndex: model.changeIndex,
    defaultACLAccess: { ...model.defaultAccess },
    clients: sortedByName(model.clients).map(keptClient),
    groups: sortedByName(model.groups).map((group) => keptGroup(group, model)),
    anonymousGroup: model.anonymousGroup,
    roles: sortedByName(model.roles).map(describeRole),
  };
}

function keptClient(client: DynsecClient): Json {
  const { groups: _groups, ...described } = describeClient(client);
  const { password } = client;
  if (password === undefined) return described;
  const kept = { ...described, encoded_password: formatPasswordRecord(password) };
  if (password.kind !== "sha512-pbkdf2") return kept;
  // Versions of Mosquitto before 2.1 know these fields only.
  const { iterations, salt, hash } = password;
  return { ...kept, password: encodeBase64(hash), salt: encodeBase64(salt), iterations };
}

function keptGroup(group: DynsecGroup, model: DynsecModel): Json {
  const clients = [...group.members].sort(compare).map((username) => {
    const priority = model.clients.get(username)?.groups.get(group.groupName);
    return { username, priority: shown(priority) };
  });
  return { ...describeGroup(group), clients };
}

function prioritised(priorities: ReadonlyMap<string, number>, key: string): Json[] {
  return byPriority(priorities).map(([name, priority]) => ({
    [key]: name,
    priority: shown(priority),
  }));
}

function shown(priority: number | undefined): number | undefined {
  return priority === NO_PRIORITY ? undefined : priority;
}
