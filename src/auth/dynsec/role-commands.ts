/** The commands about roles and their ACLs. */
import {
  CommandRefusal,
  type CommandResult,
  type ControlCommand,
} from "../../control/control-queue.ts";
import {
  field,
  flagField,
  type JsonObject,
  listField,
  priorityField,
  textField,
} from "../../control/json-fields.ts";
import type { CommandContext, CommandTable } from "./command-context.ts";
import { changeTexts, newName, requiredName } from "./command-fields.ts";
import { commonCommands } from "./common-commands.ts";
import { newItem, ROLE, subjectOf } from "./kinds.ts";
import { ACL_TYPES, type AclType, type DynsecRole, newRole } from "./model.ts";
import { aclTypeOf, addAcl, isAclTopic } from "./reading.ts";

export const ROLE_COMMANDS: CommandTable = {
  ...commonCommands(ROLE),
  createRole: (command, context) => {
    const { fields } = command;
    const { model } = context;
    const rolename = newName(fields, "rolename");
    const wildcards = field(fields, "allowwildcardsubs");
    if (wildcards !== undefined && typeof wildcards !== "boolean") {
      throw new CommandRefusal("Invalid allowwildcardsubs");
    }
    const role = newItem(ROLE, rolename, newRole, fields, model);
    role.allowWildcardSubs = wildcards ?? true;
    addAll(fields, role);
    model.roles.set(rolename, role);
    context.changed();
    command.record({ rolename });
    return undefined;
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
    ROLE.kick(role, context);
    command.record({ rolename: role.roleName, acltype, topic, priority, allow });
    return undefined;
  },
  removeRoleACL: (command, context) => {
    const { role, acltype, topic } = aclIn(command.fields, context);
    if (!role.acls[acltype].delete(topic)) throw new CommandRefusal("ACL not found");
    context.changed();
    ROLE.kick(role, context);
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
  if (matters) ROLE.kick(role, context);
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
  const role = subjectOf(ROLE, fields, model);
  const type = textField(fields, "acltype");
  if (type === undefined) throw new CommandRefusal("Invalid/missing acltype");
  const acltype = aclTypeOf(type);
  if (acltype === undefined) throw new CommandRefusal("Unknown acltype");
  const topic = textField(fields, "topic");
  if (topic === undefined) throw new CommandRefusal("Invalid/missing topic");
  if (!isAclTopic(topic)) throw new CommandRefusal("Invalid ACL topic");
  return { role, acltype, topic };
}
