/** The commands about roles and their ACLs. */
import { CommandRefusal, type CommandResult, type ControlCommand } from "../control-commands.ts";
import {
  field,
  flagField,
  type JsonObject,
  listField,
  priorityField,
  textField,
} from "../json-fields.ts";
import type { CommandContext, CommandTable } from "./command-context.ts";
import {
  changeTexts,
  isVerbose,
  newName,
  optionalText,
  pageOf,
  requiredName,
  roleOf,
} from "./command-fields.ts";
import { describeRole } from "./description.ts";
import { kickMembers } from "./group-commands.ts";
import { ACL_TYPES, type AclType, type DynsecRole, newRole, sortedByName } from "./model.ts";
import { aclTypeOf, addAcl, isAclTopic } from "./reading.ts";

export const ROLE_COMMANDS: CommandTable = {
  createRole: (command, context) => {
    const { fields } = command;
    const { model } = context;
    const rolename = newName(fields, "rolename");
    optionalText(fields, "textname");
    optionalText(fields, "textdescription");
    const wildcards = field(fields, "allowwildcardsubs");
    if (wildcards !== undefined && typeof wildcards !== "boolean") {
      throw new CommandRefusal("Invalid allowwildcardsubs");
    }
    if (model.roles.has(rolename)) throw new CommandRefusal("Role already exists");
    const role = newRole(rolename);
    changeTexts(fields, role);
    role.allowWildcardSubs = wildcards ?? true;
    addAll(fields, role);
    model.roles.set(rolename, role);
    context.changed();
    command.record({ rolename });
    return undefined;
  },
  deleteRole: (command, context) => {
    const rolename = requiredName(command.fields, "rolename");
    const role = roleOf(context.model, rolename);
    kickHolders(role, context);
    context.model.deleteRole(role);
    context.changed();
    command.record({ rolename });
    return undefined;
  },
  getRole: (command, { model }) => {
    const rolename = requiredName(command.fields, "rolename");
    const role = roleOf(model, rolename);
    command.record({ rolename });
    return { role: describeRole(role) };
  },
  listRoles: (command, { model }) => {
    const { fields } = command;
    const page = pageOf(fields, sortedByName(model.roles));
    command.record({ verbose: isVerbose(fields) });
    return {
      totalCount: model.roles.size,
      roles: page.map((role) => (isVerbose(fields) ? describeRole(role) : role.roleName)),
    };
  },
  modifyRole: modify,
  addRoleACL: (command, context) => {
    const { fields } = command;
    const { role, acltype, topic } = aclIn(fields, context);
    const acls = role.acls[acltype];
    if (acls.has(topic)) throw new CommandRefusal("ACL with this topic already exists");
    const priority = priorityField(fields, 0);
    const allow = flagField(fields, "allow") ?? false;
    acls.set(topic, { topic, priority, allow });
    context.changed();
    kickHolders(role, context);
    command.record({ rolename: role.roleName, acltype, topic, priority, allow });
    return undefined;
  },
  removeRoleACL: (command, context) => {
    const { role, acltype, topic } = aclIn(command.fields, context);
    if (!role.acls[acltype].delete(topic)) throw new CommandRefusal("ACL not found");
    context.changed();
    kickHolders(role, context);
    command.record({ rolename: role.roleName, acltype, topic });
    return undefined;
  },
};

function modify(command: ControlCommand, context: CommandContext): CommandResult {
  const { fields } = command;
  const rolename = requiredName(fields, "rolename");
  const role = context.model.roles.get(rolename);
  if (role === undefined) throw new CommandRefusal("Role does not exist");
  const replacement = listField(fields, "acls") === undefined ? undefined : newRole(rolename);
  if (replacement !== undefined) addAll(fields, replacement);
  const wildcards = flagField(fields, "allowwildcardsubs") ?? role.allowWildcardSubs;
  const matters = replacement !== undefined || wildcards !== role.allowWildcardSubs;
  changeTexts(fields, role);
  role.allowWildcardSubs = wildcards;
  if (replacement !== undefined) {
    for (const type of ACL_TYPES) {
      role.acls[type].clear();
      for (const [topic, acl] of replacement.acls[type]) role.acls[type].set(topic, acl);
    }
  }
  if (matters) kickHolders(role, context);
  context.changed();
  command.record({ rolename });
  return undefined;
}

/** Adds what the "acls" list holds; all of it or nothing. */
function addAll(fields: JsonObject, role: DynsecRole): void {
  for (const acl of listField(fields, "acls") ?? []) {
    if (!addAcl(acl, role)) throw new CommandRefusal("Invalid ACL topic");
  }
}

/** The role, the type and the topic that a command about one ACL names. */
function aclIn(
  fields: JsonObject,
  { model }: CommandContext,
): { readonly role: DynsecRole; readonly acltype: AclType; readonly topic: string } {
  const role = roleOf(model, requiredName(fields, "rolename"));
  const type = textField(fields, "acltype");
  if (type === undefined) throw new CommandRefusal("Invalid/missing acltype");
  const acltype = aclTypeOf(type);
  if (acltype === undefined) throw new CommandRefusal("Unknown acltype");
  const topic = textField(fields, "topic");
  if (topic === undefined) throw new CommandRefusal("Invalid/missing topic");
  if (!isAclTopic(topic)) throw new CommandRefusal("Invalid ACL topic");
  return { role, acltype, topic };
}

/** Everybody who has the role, by himself or by a group. */
function kickHolders({ roleName }: DynsecRole, context: CommandContext): void {
  const { clients, groups } = context.model;
  for (const { username, roles } of clients.values()) {
    if (roles.has(roleName)) context.kick(username);
  }
  for (const group of groups.values()) if (group.roles.has(roleName)) kickMembers(group, context);
}
