/** What dynamic security begins with: the roles that Mosquitto 2.1 begins with, and one administrator. */
import type { PasswordRecord } from "../password-records.ts";
import { describeModel, type Json } from "./description.ts";
import {
  type AclType,
  DynsecModel,
  type DynsecRole,
  NO_PRIORITY,
  newClient,
  newGroup,
  newRole,
} from "./model.ts";

const EVERYTHING: readonly AclType[] = [
  "publishClientSend",
  "publishClientReceive",
  "subscribePattern",
  "unsubscribePattern",
];
const LISTENING: readonly AclType[] = ["publishClientReceive", "subscribePattern"];

interface InitialRole {
  readonly name: string;
  readonly text: string;
  readonly topic: string;
  readonly types: readonly AclType[];
}

const ROLES: readonly InitialRole[] = [
  {
    name: "client",
    text: "Publishes and reads all application topics.",
    topic: "#",
    types: EVERYTHING,
  },
  {
    name: "broker-admin",
    text: "Asks the broker about itself.",
    topic: "$CONTROL/broker/#",
    types: EVERYTHING,
  },
  {
    name: "dynsec-admin",
    text: "Manages clients, groups and roles.",
    topic: "$CONTROL/dynamic-security/#",
    types: EVERYTHING,
  },
  {
    name: "super-admin",
    text: "Manages all that can be managed.",
    topic: "$CONTROL/#",
    types: EVERYTHING,
  },
  {
    name: "sys-notify",
    text: "Lets bridges tell whether they are connected.",
    topic: "$SYS/broker/connection/%c/state",
    types: ["publishClientSend"],
  },
  {
    name: "sys-observe",
    text: "Reads what the broker tells about itself.",
    topic: "$SYS/#",
    types: LISTENING,
  },
  {
    name: "topic-observe",
    text: "Reads all application topics.",
    topic: "#",
    types: [...LISTENING, "unsubscribePattern"],
  },
];
const ADMIN_ROLES = ["super-admin", "sys-observe", "topic-observe"];
const ANONYMOUS_GROUP = "unauthenticated";

/** The content of a dynamic-security.json with this administrator. */
export function initialContent(username: string, password: PasswordRecord): Json {
  const model = new DynsecModel();
  Object.assign(model.defaultAccess, { publishClientReceive: true, unsubscribe: true });
  for (const role of ROLES) model.roles.set(role.name, roleOf(role));
  const admin = newClient(username);
  admin.textName = "Administrator";
  admin.password = password;
  for (const name of ADMIN_ROLES) admin.roles.set(name, NO_PRIORITY);
  model.clients.set(username, admin);
  const anonymous = newGroup(ANONYMOUS_GROUP);
  anonymous.textDescription =
    "Its roles hold for clients without a user name, where they are let in.";
  model.groups.set(ANONYMOUS_GROUP, anonymous);
  model.anonymousGroup = ANONYMOUS_GROUP;
  return describeModel(model);
}

function roleOf({ name, text, topic, types }: InitialRole): DynsecRole {
  const role = newRole(name);
  role.textDescription = text;
  for (const type of types) role.acls[type].set(topic, { topic, priority: 0, allow: true });
  return role;
}
