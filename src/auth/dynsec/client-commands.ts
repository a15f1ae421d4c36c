/** The commands about clients. */
import { CommandRefusal, type CommandResult, type ControlCommand } from "../control-commands.ts";
import { field, isObject, type JsonObject, priorityField, textField } from "../json-fields.ts";
import type { CommandContext, CommandTable } from "./command-context.ts";
import {
  changeTexts,
  clientOf,
  isVerbose,
  newName,
  optionalClientId,
  optionalText,
  pageOf,
  requiredName,
  roleOf,
  rolesIn,
} from "./command-fields.ts";
import { describeClient, type Json } from "./description.ts";
import {
  type DynsecClient,
  type DynsecGroup,
  type DynsecModel,
  NO_PRIORITY,
  newClient,
  sortedByName,
} from "./model.ts";

export const CLIENT_COMMANDS: CommandTable = {
  createClient: create,
  deleteClient: (command, context) => {
    const username = requiredName(command.fields, "username");
    context.model.deleteClient(clientOf(context.model, username));
    context.changed();
    context.kick(username);
    command.record({ username });
    return undefined;
  },
  disableClient: (command, context) => setDisabled(command, context, true),
  enableClient: (command, context) => setDisabled(command, context, false),
  setClientId: (command, context) => {
    const username = requiredName(command.fields, "username");
    const clientId = optionalClientId(command.fields, "client ID");
    clientOf(context.model, username).clientId = clientId || undefined;
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
    const client = clientOf(context.model, username);
    return withPassword(context, client, password, () => {
      context.changed();
      context.kick(username);
      command.record({ username, password: "******" });
    });
  },
  modifyClient: modify,
  getClient: (command, context) => {
    const username = requiredName(command.fields, "username");
    const client = clientOf(context.model, username);
    command.record({ username });
    return { client: withConnections(client, context) };
  },
  listClients: (command, context) => {
    const { fields } = command;
    const { clients } = context.model;
    const page = pageOf(fields, sortedByName(clients));
    command.record({ verbose: isVerbose(fields) });
    return {
      totalCount: clients.size,
      clients: page.map((client) =>
        isVerbose(fields) ? withConnections(client, context) : client.username,
      ),
    };
  },
  addClientRole: (command, context) => {
    const username = requiredName(command.fields, "username");
    const rolename = requiredName(command.fields, "rolename");
    const client = clientOf(context.model, username);
    roleOf(context.model, rolename);
    if (client.roles.has(rolename)) throw new CommandRefusal("Client is already in this role");
    const priority = priorityField(command.fields, NO_PRIORITY);
    client.roles.set(rolename, priority);
    context.changed();
    context.kick(username);
    command.record({ username, rolename, priority });
    return undefined;
  },
  removeClientRole: (command, context) => {
    const username = requiredName(command.fields, "username");
    const rolename = requiredName(command.fields, "rolename");
    const client = clientOf(context.model, username);
    roleOf(context.model, rolename);
    client.roles.delete(rolename);
    context.changed();
    context.kick(username);
    command.record({ username, rolename });
    return undefined;
  },
};

function create(command: ControlCommand, context: CommandContext): CommandResult {
  const { fields } = command;
  const { model } = context;
  const username = newName(fields, "username");
  const password = optionalText(fields, "password");
  const clientId = optionalClientId(fields, "client id");
  optionalText(fields, "textname");
  optionalText(fields, "textdescription");
  if (model.clients.has(username)) throw new CommandRefusal("Client already exists");
  const client = newClient(username);
  changeTexts(fields, client);
  client.clientId = clientId || undefined;
  for (const [name, priority] of rolesIn(fields, model) ?? []) client.roles.set(name, priority);
  const groups = groupsIn(fields, model, "Group not found", "Group not found");
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
  const username = requiredName(fields, "username");
  const client = clientOf(model, username);
  const clientId = textField(fields, "clientid");
  if (clientId !== undefined) optionalClientId(fields, "client id");
  const password = textField(fields, "password");
  const roles = rolesIn(fields, model);
  const groups = groupsIn(
    fields,
    model,
    "'groups' contains an object with a 'groupname' that does not exist",
    "'groups' contains an object with an invalid 'groupname'",
  );
  const finish = (): void => {
    if (clientId !== undefined) client.clientId = clientId || undefined;
    changeTexts(fields, client);
    if (groups !== undefined) {
      model.leaveAll(client);
      for (const [group, priority] of groups) model.join(client, group, priority);
    }
    if (roles !== undefined) {
      client.roles.clear();
      for (const [name, priority] of roles) client.roles.set(name, priority);
    }
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
  const username = requiredName(command.fields, "username");
  clientOf(context.model, username).disabled = disabled;
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

/** The priorities in a "groups" list, what is no object left out; undefined where there is none. */
function groupsIn(
  fields: JsonObject,
  model: DynsecModel,
  missing: string,
  invalid: string,
): Map<DynsecGroup, number> | undefined {
  const list = field(fields, "groups");
  if (!Array.isArray(list)) return undefined;
  const groups = new Map<DynsecGroup, number>();
  for (const entry of list) {
    if (!isObject(entry)) continue;
    const name = textField(entry, "groupname");
    if (name === undefined) throw new CommandRefusal(invalid);
    const group = model.groups.get(name);
    if (group === undefined) throw new CommandRefusal(missing);
    if (!groups.has(group)) groups.set(group, priorityField(entry, NO_PRIORITY));
  }
  return groups;
}

function withConnections(client: DynsecClient, context: CommandContext): Json {
  return {
    ...describeClient(client),
    connections: context.connections(client.username, client.clientId),
  };
}
