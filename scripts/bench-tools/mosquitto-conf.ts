/** The one mosquitto.conf that Mosquitto and Midge are both started with. */
import type { AccessFiles } from "./logins.ts";

export interface ConfFields {
  readonly port: number;
  /** Undefined: everyone may do everything. */
  readonly access: AccessFiles | undefined;
  /** A folder for what is to outlive a restart; undefined keeps it in memory. */
  readonly dataFolder: string | undefined;
  /** Who the brokers run as: Mosquitto, if started by root, becomes another who cannot read the files. */
  readonly user: string;
  /** More lines, after these. */
  readonly more?: string | undefined;
}

export function mosquittoConf(fields: ConfFields): string {
  const { port, access, dataFolder, user, more = "" } = fields;
  const lines = [
    `listener ${port} 127.0.0.1`,
    `allow_anonymous ${access === undefined}`,
    "set_tcp_nodelay true",
    // Where the queue has a limit, Mosquitto 2.0.11 drops messages that there is room for.
    "max_queued_messages 0",
    "log_type error",
    "log_type warning",
    `user ${user}`,
  ];
  if (access !== undefined) {
    lines.push(`password_file ${access.passwordFile}`, `acl_file ${access.aclFile}`);
  }
  if (dataFolder !== undefined) {
    lines.push("persistence true", `persistence_location ${dataFolder}/`);
  }
  return `${lines.join("\n")}\n${more}`;
}
