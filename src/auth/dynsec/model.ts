/** Clients, groups and roles of dynamic security, and how they hang together. */
import type { PasswordRecord } from "../password-records.ts";

export const ACL_TYPES = [
  "publishClientSend",
  "publishClientReceive",
  "subscribeLiteral",
  "subscribePattern",
  "unsubscribeLiteral",
  "unsubscribePattern",
] as const;
export type AclType = (typeof ACL_TYPES)[number];

export const DEFAULT_ACCESS_TYPES = [
  "publishClientSend",
  "publishClientReceive",
  "subscribe",
  "unsubscribe",
] as const;
export type DefaultAccessType = (typeof DEFAULT_ACCESS_TYPES)[number];

/** The priority of what was given none. */
export const NO_PRIORITY = -1;

interface Described {
  textName: string | undefined;
  textDescription: string | undefined;
}

export interface DynsecClient extends Described {
  readonly username: string;
  /** Without one nobody can log in. */
  password: PasswordRecord | undefined;
  /** The only client id that may use this user name. */
  clientId: string | undefined;
  disabled: boolean;
  /** Priorities by the role's name. */
  readonly roles: Map<string, number>;
  /** Priorities by the group's name. */
  readonly groups: Map<string, number>;
}

export interface DynsecGroup extends Described {
  readonly groupName: string;
  readonly roles: Map<string, number>;
  readonly members: Set<string>;
}

export interface RoleAcl {
  readonly topic: string;
  readonly priority: number;
  readonly allow: boolean;
}

export interface DynsecRole extends Described {
  readonly roleName: string;
  allowWildcardSubs: boolean;
  /** By type, and by topic in the order in which they were added. */
  readonly acls: Readonly<Record<AclType, Map<string, RoleAcl>>>;
}

export class DynsecModel {
  readonly clients = new Map<string, DynsecClient>();
  readonly groups = new Map<string, DynsecGroup>();
  readonly roles = new Map<string, DynsecRole>();
  readonly defaultAccess: Record<DefaultAccessType, boolean> = {
    publishClientSend: false,
    publishClientReceive: false,
    subscribe: false,
    unsubscribe: false,
  };
  anonymousGroup: string | undefined;
  /** Counts the changes. */
  changeIndex = 0;

  deleteClient({ username, groups }: DynsecClient): void {
    for (const name of groups.keys()) this.groups.get(name)?.members.delete(username);
    this.clients.delete(username);
  }

  deleteGroup({ groupName, members }: DynsecGroup): void {
    for (const username of members) this.clients.get(username)?.groups.delete(groupName);
    this.groups.delete(groupName);
  }

  deleteRole({ roleName }: DynsecRole): void {
    for (const { roles } of this.clients.values()) roles.delete(roleName);
    for (const { roles } of this.groups.values()) roles.delete(roleName);
    this.roles.delete(roleName);
  }

  join(client: DynsecClient, group: DynsecGroup, priority: number): void {
    client.groups.set(group.groupName, priority);
    group.members.add(client.username);
  }

  leave(client: DynsecClient, group: DynsecGroup): void {
    client.groups.delete(group.groupName);
    group.members.delete(client.username);
  }

  leaveAll(client: DynsecClient): void {
    for (const name of client.groups.keys()) {
      this.groups.get(name)?.members.delete(client.username);
    }
    client.groups.clear();
  }

  /**
   * All roles of a client, those asked first to the front: its own, then its groups', each by priority
   * and name. For undefined those of the anonymous group; undefined where the client is not known.
   */
  rolesOf(username: string | undefined): DynsecRole[] | undefined {
    if (username === undefined) {
      const group = this.groups.get(this.anonymousGroup ?? "");
      return group === undefined ? [] : this.#rolesIn(group.roles);
    }
    const client = this.clients.get(username);
    if (client === undefined) return undefined;
    const groups = byPriority(client.groups).map(([name]) => this.groups.get(name));
    return [
      ...this.#rolesIn(client.roles),
      ...groups.flatMap((group) => (group === undefined ? [] : this.#rolesIn(group.roles))),
    ];
  }

  #rolesIn(priorities: ReadonlyMap<string, number>): DynsecRole[] {
    return byPriority(priorities)
      .map(([name]) => this.roles.get(name))
      .filter((role) => role !== undefined);
  }
}

export function newClient(username: string): DynsecClient {
  return {
    username,
    password: undefined,
    clientId: undefined,
    disabled: false,
    textName: undefined,
    textDescription: undefined,
    roles: new Map(),
    groups: new Map(),
  };
}

export function newGroup(groupName: string): DynsecGroup {
  return {
    groupName,
    textName: undefined,
    textDescription: undefined,
    roles: new Map(),
    members: new Set(),
  };
}

export function newRole(roleName: string): DynsecRole {
  return {
    roleName,
    textName: undefined,
    textDescription: undefined,
    allowWildcardSubs: true,
    acls: {
      publishClientSend: new Map(),
      publishClientReceive: new Map(),
      subscribeLiteral: new Map(),
      subscribePattern: new Map(),
      unsubscribeLiteral: new Map(),
      unsubscribePattern: new Map(),
    },
  };
}

/** The highest priority first, then by name. */
export function byPriority(priorities: ReadonlyMap<string, number>): [string, number][] {
  return [...priorities].sort(([a, one], [b, other]) => other - one || compare(a, b));
}

/** The highest priority first, then in the order in which they were added. */
export function aclsInOrder(acls: ReadonlyMap<string, RoleAcl>): RoleAcl[] {
  return [...acls.values()].sort((one, other) => other.priority - one.priority);
}

/** In order of names. */
export function sortedByName<T>(all: ReadonlyMap<string, T>): T[] {
  return [...all].sort(([a], [b]) => compare(a, b)).map(([, value]) => value);
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
