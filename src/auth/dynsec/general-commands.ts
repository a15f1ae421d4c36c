/** The commands about dynamic security as a whole. */
import { CommandRefusal } from "../../control/control-queue.ts";
import { flagField, isObject, listField, textField } from "../../control/json-fields.ts";
import type { CommandTable } from "./command-context.ts";
import { describeDefaultAccess } from "./description.ts";
import { DEFAULT_ACCESS_TYPES } from "./model.ts";

export const GENERAL_COMMANDS: CommandTable = {
  setDefaultACLAccess: (command, context) => {
    const acls = listField(command.fields, "acls");
    if (acls === undefined) throw new CommandRefusal("Missing/invalid actions array");
    for (const acl of acls) {
      if (!isObject(acl)) continue;
      const acltype = textField(acl, "acltype")?.toLowerCase();
      const allow = flagField(acl, "allow") ?? accessOf(textField(acl, "access"));
      const type = DEFAULT_ACCESS_TYPES.find((known) => known.toLowerCase() === acltype);
      if (type === undefined || allow === undefined) continue;
      context.model.defaultAccess[type] = allow;
      command.record({ acltype: type, allow });
    }
    context.changed();
    return undefined;
  },
  getDefaultACLAccess: (command, { model }) => {
    command.record({});
    return { acls: describeDefaultAccess(model) };
  },
  getDetails: (command, { model }) => {
    command.record({});
    return {
      clientCount: model.clients.size,
      groupCount: model.groups.size,
      roleCount: model.roles.size,
      changeIndex: model.changeIndex,
    };
  },
};

/** As mosquitto_ctrl 2.0.11 puts it, which its own broker does not understand. */
function accessOf(word: string | undefined): boolean | undefined {
  return word === "allow" ? true : word === "deny" ? false : undefined;
}
