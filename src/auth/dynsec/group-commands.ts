/** The commands about groups. */
import { CommandRefusal, type CommandResult, type ControlCommand } from "../control-commands.ts";
import { field, isObject, type JsonObject, priorityField, textField } from "../json-fields.ts";
import type { CommandContext, CommandTable } from "./command-context.ts";
import {
  changeTexts,
  clientOf,
  groupOf,
  isVerbose,
  newName,
  optionalText,
  pageOf,
  requiredName,
  roleOf,
  rolesIn,
} from "./command-fields.ts";
import { describeGroup } from "./description.ts";
import {
  type DynsecClient,
  type DynsecGroup,
  type DynsecModel,
  NO_PRIORITY,
  newGroup,
  sortedByName,
} from "./model.ts";

export const GROUP_COMMANDS: CommandTable = {
  createGroup: (command, context) => {
    const { fields } = command;
    const { model } = context;
    const groupname = newName(fields, "groupname");
    optionalText(fields, "textname");
    optionalText(fields, "textdescription");
    if (model.groups.has(groupname)) throw new CommandRefusal("Group already exists");
    const group = newGroup(groupname);
    changeTexts(fields, group);
    for (const [name, priority] of rolesIn(fields, model) ?? []) group.roles.set(name, priority);
    model.groups.set(groupname, group);
    context.changed();
    command.record({ groupname });
    return undefined;
  },
  deleteGroup: (command, context) => {
    const { model } = context;
    const groupname = requiredName(command.fields, "groupname");
    const group = groupOf(model, groupname);
    if (model.anonymousGroup === groupname) {
      throw new CommandRefusal("Deleting the anonymous group is forbidden");
    }
    kickMembers(group, context);
    model.deleteGroup(group);
    context.changed();
    command.record({ groupname });
    return undefined;
  },
  getGroup: (command, { model }) => {
    const groupname = requiredName(command.fields, "groupname");
    const group = groupOf(model, groupname);
    command.record({ groupname });
    return { group: describeGroup(group) };
  },
  listGroups: (command, { model }) => {
    const { fields } = command;
    const page = pageOf(fields, sortedByName(model.groups));
    command.record({ verbose: isVerbose(fields) });
    return {
      totalCount: model.groups.size,
      groups: page.map((group) => (isVerbose(fields) ? describeGroup(group) : group.groupName)),
    };
  },
  modifyGroup: modify,
  addGroupClient: (command, context) => {
    const { fields } = command;
    const username = requiredName(fields, "username");
    const groupname = requiredName(fields, "groupname");
    const client = clientOf(context.model, username);
    const group = groupOf(context.model, groupname);
    if (group.members.has(username)) throw new CommandRefusal("Client is already in this group");
    const priority = priorityField(fields, NO_PRIORITY);
    context.model.join(client, group, priority);
    context.changed();
    context.kick(username);
    command.record({ groupname, username, priority });
    return undefined;
  },
  removeGroupClient: (command, context) => {
    const username = requiredName(command.fields, "username");
    const groupname = requiredName(command.fields, "groupname");
    const client = clientOf(context.model, username);
    const group = groupOf(context.model, groupname);
    context.model.leave(client, group);
    context.changed();
    context.kick(username);
    command.record({ groupname, username });
    return undefined;
  },
  addGroupRole: (command, context) => {
    const { fields } = command;
    const groupname = requiredName(fields, "groupname");
    const rolename = requiredName(fields, "rolename");
    const group = groupOf(context.model, groupname);
    roleOf(context.model, rolename);
    if (group.roles.has(rolename)) throw new CommandRefusal("Group is already in this role");
    const priority = priorityField(fields, NO_PRIORITY);
    group.roles.set(rolename, priority);
    context.changed();
    kickMembers(group, context);
    command.record({ groupname, rolename, priority });
    return undefined;
  },
  removeGroupRole: (command, context) => {
    const groupname = requiredName(command.fields, "groupname");
    const rolename = requiredName(command.fields, "rolename");
    const group = groupOf(context.model, groupname);
    roleOf(context.model, rolename);
    group.roles.delete(rolename);
    context.changed();
    kickMembers(group, context);
    command.record({ groupname, rolename });
    return undefined;
  },
  setAnonymousGroup: (command, context) => {
    const groupname = requiredName(command.fields, "groupname");
    groupOf(context.model, groupname);
    context.model.anonymousGroup = groupname;
    context.changed();
    context.kick(undefined);
    command.record({ groupname });
    return undefined;
  },
  getAnonymousGroup: (command, { model }) => {
    command.record({});
    return { group: { groupname: model.anonymousGroup ?? "" } };
  },
};

function modify(command: ControlCommand, context: CommandContext): CommandResult {
  const { fields } = command;
  const { model } = context;
  const groupname = requiredName(fields, "groupname");
  const group = groupOf(model, groupname);
  const roles = rolesIn(fields, model);
  const members = membersIn(fields, model);
  changeTexts(fields, group);
  if (members !== undefined) {
    kickMembers(group, context);
    for (const username of [...group.members]) {
      const client = model.clients.get(username);
      if (client !== undefined) model.leave(client, group);
    }
    for (const [client, priority] of members) model.join(client, group, priority);
  }
  if (roles !== undefined) {
    group.roles.clear();
    for (const [name, priority] of roles) group.roles.set(name, priority);
  }
  context.changed();
  kickMembers(group, context);
  command.record({ groupname });
  return undefined;
}

/** The priorities in a "clients" list, what is no object left out; undefined where there is none. */
function membersIn(fields: JsonObject, model: DynsecModel): Map<DynsecClient, number> | undefined {
  const list = field(fields, "clients");
  if (!Array.isArray(list)) return undefined;
  const members = new Map<DynsecClient, number>();
  for (const entry of list) {
    if (!isObject(entry)) continue;
    const username = textField(entry, "username");
    if (username === undefined) {
      throw new CommandRefusal("'clients' contains an object with an invalid 'username'");
    }
    const client = model.clients.get(username);
    if (client === undefined) {
      throw new CommandRefusal(
        "'clients' contains an object with a 'username' that does not exist",
      );
    }
    if (!members.has(client)) members.set(client, priorityField(entry, NO_PRIORITY));
  }
  return members;
}

/** Everybody whose rights come from the group. */
export function kickMembers(group: DynsecGroup, context: CommandContext): void {
  if (context.model.anonymousGroup === group.groupName) context.kick(undefined);
  for (const username of group.members) context.kick(username);
}
