/** The commands about clients. */
import {
  CommandRefusal,
  type CommandResult,
  type ControlCommand,
} from "../../control/control-queue.ts";
import { textField } from "../../control/json-fields.ts";
import type { CommandContext, CommandTable } from "./command-context.ts";
import {
  changeTexts,
  newName,
  optionalClientId,
  optionalText,
  requiredName,
} from "./command-fields.ts";
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
import { type DynsecClient, newClient } from "./model.ts";

export const CLIENT_COMMANDS: CommandTable = {
  ...commonCommands(CLIENT),
  ...holderCommands(CLIENT),
  createClient: create,
  disableClient: (command, context) => setDisabled(command, context, true),
  enableClient: (command, context) => setDisabled(command, context, false),
  setClientId: (command, context) => {
    const username = requiredName(command.fields, "username");
    const clientId = optionalClientId(command.fields, "client ID");
    itemOf(CLIENT, context.model, username).clientId = clientId || undefined;
    context.changed();
    context.kick(username);
    command.record({ username, clientid: clientId });
    return undefined;
  },
  setClientPassword: (command, context) => {
    const username = requiredName(command.fields, "username");
    const password = textField(command.fields, "password");
    if (password === undefined) throw new CommandRefusal("Invalid/missing password");
    if (password === "") throw new CommandRefusal("Empty password is not allowed");
    const client = itemOf(CLIENT, context.model, username);
    return withPassword(context, client, password, () => {
      context.changed();
      context.kick(username);
      command.record({ username, password: "******" });
    });
  },
  modifyClient: modify,
};

function create(command: ControlCommand, context: CommandContext): CommandResult {
  const { fields } = command;
  const { model } = context;
  const username = newName(fields, "username");
  const password = optionalText(fields, "password");
  const clientId = optionalClientId(fields, "client id");
  const client = newItem(CLIENT, username, newClient, fields, model);
  client.clientId = clientId || undefined;
  replaceRoles(client, rolesIn(fields, model));
  const groups = prioritiesIn(GROUP, fields, model, "Group not found");
  const finish = (): void => {
    model.clients.set(username, client);
    for (const [group, priority] of groups ?? []) model.join(client, group, priority);
    context.changed();
    command.record({
      username,
      password: client.password === undefined ? "no password" : "*****",
    });
  };
  // An empty password would let anybody in.
  if (password !== undefined && password !== "") {
    return withPassword(context, client, password, finish);
  }
  finish();
  return undefined;
}

function modify(command: ControlCommand, context: CommandContext): CommandResult {
  const { fields } = command;
  const { model } = context;
  const client = subjectOf(CLIENT, fields, model);
  const { username } = client;
  const clientId = textField(fields, "clientid");
  if (clientId !== undefined) optionalClientId(fields, "client id");
  const password = textField(fields, "password");
  const roles = rolesIn(fields, model);
  const groups = prioritiesIn(GROUP, fields, model);
  const finish = (): void => {
    if (clientId !== undefined) client.clientId = clientId || undefined;
    changeTexts(fields, client);
    if (groups !== undefined) {
      model.leaveAll(client);
      for (const [group, priority] of groups) model.join(client, group, priority);
    }
    replaceRoles(client, roles);
    context.changed();
    context.kick(username);
    command.record({ username });
  };
  if (password !== undefined && password !== "") {
    return withPassword(context, client, password, finish);
  }
  finish();
  return undefined;
}

function setDisabled(
  command: ControlCommand,
  context: CommandContext,
  disabled: boolean,
): CommandResult {
  const client = subjectOf(CLIENT, command.fields, context.model);
  const { username } = client;
  client.disabled = disabled;
  context.changed();
  if (disabled) context.kick(username);
  command.record({ username });
  return undefined;
}

/** Gives the client the password, then finishes the command; nothing is changed if it cannot be hashed. */
function withPassword(
  context: CommandContext,
  client: DynsecClient,
  password: string,
  finish: () => void,
): CommandResult {
  return (done) =>
    context.hash(password, (record) => {
      if (record instanceof CommandRefusal) {
        done(record);
        return;
      }
      client.password = record;
      finish();
      done(undefined);
    });
}
