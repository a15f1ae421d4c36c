/** What roles allow a client: the first rule that matches, in order of priorities, or else the default. */
import type { LinkRights, Verdict } from "../access-chain.ts";
import { covers } from "../filter-cover.ts";
import { dependsOnClientId, fillIn, type Identity } from "../pattern.ts";
import { EVERY_TOPIC_BUT_CONTROL, isControlTopic, type TopicRule } from "../topic-rules.ts";
import { type AclType, aclsInOrder, type DynsecModel, type DynsecRole } from "./model.ts";

/** What one role says of subscribing, or of unsubscribing. */
interface FilterRules {
  readonly literal: ReadonlyMap<string, { readonly allow: boolean }>;
  readonly patterns: readonly TopicRule[];
  readonly allowWildcards: boolean;
}

const DEFERS: LinkRights = {
  publishing: [],
  receiving: [],
  maySubscribe: () => "defer",
  mayUnsubscribe: () => "defer",
};

export function dynsecRights(model: DynsecModel, identity: Identity): LinkRights {
  const roles = model.rolesOf(identity.username);
  if (roles === undefined) return DEFERS;
  const { defaultAccess } = model;
  const subscribing = roles.map((role) => filterRules(role, "subscribe", identity));
  const unsubscribing = roles.map((role) => filterRules(role, "unsubscribe", identity));
  return {
    publishing: topicRules(roles, "publishClientSend", identity, defaultAccess.publishClientSend),
    receiving: topicRules(
      roles,
      "publishClientReceive",
      identity,
      defaultAccess.publishClientReceive,
    ),
    maySubscribe: (filter) => decide(subscribing, filter, defaultAccess.subscribe),
    mayUnsubscribe: (filter) => decide(unsubscribing, filter, defaultAccess.unsubscribe),
  };
}

/** Whether some ACL has `%c` in it. */
export function namesClientIds({ roles }: DynsecModel): boolean {
  for (const { acls } of roles.values()) {
    for (const byTopic of Object.values(acls)) {
      for (const topic of byTopic.keys()) if (dependsOnClientId(topic)) return true;
    }
  }
  return false;
}

function topicRules(
  roles: readonly DynsecRole[],
  type: AclType,
  identity: Identity,
  otherwise: boolean,
): TopicRule[] {
  const rules = roles.flatMap((role) => filledIn(role, type, identity));
  // Managing the broker is never left to a default.
  if (otherwise) rules.push({ filter: EVERY_TOPIC_BUT_CONTROL, allow: true });
  return rules;
}

function filterRules(
  role: DynsecRole,
  what: "subscribe" | "unsubscribe",
  identity: Identity,
): FilterRules {
  return {
    literal: role.acls[`${what}Literal`],
    patterns: filledIn(role, `${what}Pattern`, identity),
    allowWildcards: what === "unsubscribe" || role.allowWildcardSubs,
  };
}

function filledIn(role: DynsecRole, type: AclType, identity: Identity): TopicRule[] {
  const rules: TopicRule[] = [];
  for (const { topic, allow } of aclsInOrder(role.acls[type])) {
    const filter = fillIn(topic, identity, allow);
    if (filter !== undefined) rules.push({ filter, allow });
  }
  return rules;
}

function decide(roles: readonly FilterRules[], filter: string, otherwise: boolean): Verdict {
  const wild = filter.includes("+") || filter.includes("#");
  for (const { literal, patterns, allowWildcards } of roles) {
    if (wild && !allowWildcards) return "deny";
    const rule = literal.get(filter) ?? patterns.find((pattern) => covers(pattern.filter, filter));
    if (rule !== undefined) return rule.allow ? "allow" : "deny";
  }
  return otherwise && !isControlTopic(filter) ? "allow" : "defer";
}
