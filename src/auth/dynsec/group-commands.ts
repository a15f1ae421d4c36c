/** The commands about groups. */
import {
  CommandRefusal,
  type CommandResult,
  type ControlCommand,
} from "../../control/control-queue.ts";
import { priorityField } from "../../control/json-fields.ts";
import type { CommandContext, CommandTable } from "./command-context.ts";
import { changeTexts, newName, requiredName } from "./command-fields.ts";
import { commonCommands, holderCommands } from "./common-commands.ts";
import {
  CLIENT,
  GROUP,
  itemOf,
  newItem,
  prioritiesIn,
  replaceRoles,
  rolesIn,
  subjectOf,
} from "./kinds.ts";
import { NO_PRIORITY, newGroup } from "./model.ts";

export const GROUP_COMMANDS: CommandTable = {
  ...commonCommands(GROUP),
  ...holderCommands(GROUP),
  createGroup: (command, context) => {
    const { fields } = command;
    const { model } = context;
    const groupname = newName(fields, "groupname");
    const group = newItem(GROUP, groupname, newGroup, fields, model);
    replaceRoles(group, rolesIn(fields, model));
    model.groups.set(groupname, group);
    context.changed();
    command.record({ groupname });
    return undefined;
  },
  modifyGroup: modify,
  addGroupClient: (command, context) => {
    const { client, group, what } = memberIn(command, context);
    if (group.members.has(client.username)) {
      throw new CommandRefusal("Client is already in this group");
    }
    const priority = priorityField(command.fields, NO_PRIORITY);
    context.model.join(client, group, priority);
    context.changed();
    CLIENT.kick(client, context);
    command.record({ ...what, priority });
    return undefined;
  },
  removeGroupClient: (command, context) => {
    const { client, group, what } = memberIn(command, context);
    context.model.leave(client, group);
    context.changed();
    CLIENT.kick(client, context);
    command.record(what);
    return undefined;
  },
  setAnonymousGroup: (command, context) => {
    const { groupName } = subjectOf(GROUP, command.fields, context.model);
    context.model.anonymousGroup = groupName;
    context.changed();
    context.kick(undefined);
    command.record({ groupname: groupName });
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
  const group = subjectOf(GROUP, fields, model);
  const roles = rolesIn(fields, model);
  const members = prioritiesIn(CLIENT, fields, model);
  changeTexts(fields, group);
  if (members !== undefined) {
    GROUP.kick(group, context);
    for (const username of [...group.members]) {
      const client = model.clients.get(username);
      if (client !== undefined) model.leave(client, group);
    }
    for (const [client, priority] of members) model.join(client, group, priority);
  }
  replaceRoles(group, roles);
  context.changed();
  GROUP.kick(group, context);
  command.record({ groupname: group.groupName });
  return undefined;
}

/** The client and the group that a command about one member names. */
function memberIn({ fields }: ControlCommand, { model }: CommandContext) {
  const username = requiredName(fields, "username");
  const groupname = requiredName(fields, "groupname");
  const client = itemOf(CLIENT, model, username);
  const group = itemOf(GROUP, model, groupname);
  return { client, group, what: { groupname, username } };
}
