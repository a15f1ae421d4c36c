/** The commands that are the same for clients, groups and roles, but for the names in them. */
import { CommandRefusal, type ControlCommand } from "../../control/control-queue.ts";
import { priorityField } from "../../control/json-fields.ts";
import type { CommandContext, CommandTable } from "./command-context.ts";
import { isVerbose, pageOf, requiredName } from "./command-fields.ts";
import { itemOf, type Kind, ROLE, subjectOf } from "./kinds.ts";
import { NO_PRIORITY, sortedByName } from "./model.ts";

/** `getX`, `listXs` and `deleteX`. */
export function commonCommands<Item>(kind: Kind<Item>): CommandTable {
  const { name, one, many, key } = kind;
  return {
    [`get${name}`]: (command, context) => {
      const item = subjectOf(kind, command.fields, context.model);
      command.record({ [key]: kind.nameOf(item) });
      return { [one]: kind.describe(item, context) };
    },
    [`list${name}s`]: (command, context) => {
      const all = kind.all(context.model);
      const page = pageOf(command.fields, sortedByName(all));
      const verbose = isVerbose(command.fields);
      command.record({ verbose });
      const shown = page.map((item) =>
        verbose ? kind.describe(item, context) : kind.nameOf(item),
      );
      return { totalCount: all.size, [many]: shown };
    },
    [`delete${name}`]: (command, context) => {
      const item = subjectOf(kind, command.fields, context.model);
      kind.checkDeletion?.(item, context.model);
      // Before it is gone, and nobody depends on it any more.
      kind.kick(item, context);
      kind.delete(item, context.model);
      context.changed();
      command.record({ [key]: kind.nameOf(item) });
      return undefined;
    },
  };
}

/** `addXRole` and `removeXRole`, of what has roles. */
export function holderCommands<Holder extends { readonly roles: Map<string, number> }>(
  kind: Kind<Holder>,
): CommandTable {
  const { name, key } = kind;
  const named = ({ fields }: ControlCommand, { model }: CommandContext) => {
    const holderName = requiredName(fields, key);
    const rolename = requiredName(fields, ROLE.key);
    const holder = itemOf(kind, model, holderName);
    itemOf(ROLE, model, rolename);
    return { holder, rolename, what: { [key]: holderName, rolename } };
  };
  return {
    [`add${name}Role`]: (command, context) => {
      const { holder, rolename, what } = named(command, context);
      if (holder.roles.has(rolename)) {
        throw new CommandRefusal(`${name} is already in this role`);
      }
      const priority = priorityField(command.fields, NO_PRIORITY);
      holder.roles.set(rolename, priority);
      context.changed();
      kind.kick(holder, context);
      command.record({ ...what, priority });
      return undefined;
    },
    [`remove${name}Role`]: (command, context) => {
      const { holder, rolename, what } = named(command, context);
      holder.roles.delete(rolename);
      context.changed();
      kind.kick(holder, context);
      command.record(what);
      return undefined;
    },
  };
}
