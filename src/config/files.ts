/** Whether the files that a configuration names are there, readable, and kept from others. */
import { accessSync, constants, type Stats, statSync } from "node:fs";
import type { CrossFindings, Finds } from "./findings.ts";
import type { KeyPath } from "./key-path.ts";
import { whyUnreadable } from "./read-text.ts";
import { quote } from "./show-value.ts";
import type { ValidParts } from "./validate.ts";

type Kind = "file" | "secret" | "folder";

const ACCESS: Readonly<Record<string, Kind>> = {
  password_file: "secret",
  acl_file: "file",
  psk_file: "secret",
  dynamic_security_password_init_file: "secret",
};

const GATEWAY: Readonly<Record<string, Kind>> = { upstream_ca_file: "file" };

const BRIDGE: Readonly<Record<string, Kind>> = {
  cafile: "file",
  capath: "folder",
  certfile: "file",
  keyfile: "secret",
  jwt_keyfile: "secret",
};

const LISTENER: Readonly<Record<string, Kind>> = {
  password_file: "secret",
  acl_file: "file",
  psk_file: "secret",
  certfile: "file",
  keyfile: "secret",
  cafile: "file",
  capath: "folder",
  http_dir: "folder",
  crlfile: "file",
  dhparamfile: "file",
};

/** Errors for what cannot be read; warnings for secrets that everybody can. */
export function checkFiles(parts: ValidParts, when: "first" | "again"): CrossFindings {
  const finds: Finds = { errors: [], warnings: [] };
  const look = (table: object, kinds: Readonly<Record<string, Kind>>, at: KeyPath) => {
    for (const [key, kind] of Object.entries(kinds)) {
      const path = (table as Readonly<Record<string, unknown>>)[key];
      if (typeof path === "string" && path !== "") checkOne(path, kind, [...at, key], when, finds);
    }
  };
  if (parts.access !== undefined) look(parts.access, ACCESS, ["access"]);
  if (parts.gateway !== undefined) look(parts.gateway, GATEWAY, ["gateway"]);
  for (const { index, value } of parts.listener) look(value, LISTENER, ["listener", index]);
  for (const { index, value } of parts.bridge) look(value, BRIDGE, ["bridge", index]);
  for (const { index, value } of parts.link) look(value, { acl_file: "file" }, ["link", index]);
  for (const { index, value } of parts.plugin) look(value, { module: "file" }, ["plugin", index]);
  return finds;
}

const GROUP_OR_OTHERS = 0o044;
const OTHERS = 0o004;

function checkOne(
  path: string,
  kind: Kind,
  at: KeyPath,
  when: "first" | "again",
  finds: Finds,
): void {
  let stats: Stats;
  try {
    stats = statSync(path);
    accessSync(path, constants.R_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (when === "again" && (code === "EACCES" || code === "EPERM")) return;
    finds.errors.push({ at, message: `${quote(path)}: ${whyUnreadable(code)}` });
    return;
  }
  if (kind === "folder" && !stats.isDirectory()) {
    finds.errors.push({ at, message: `${quote(path)} is a file, not a folder` });
  } else if (kind !== "folder" && stats.isDirectory()) {
    finds.errors.push({ at, message: `${quote(path)} is a folder, not a file` });
  } else if (kind === "secret" && (stats.mode & OTHERS) !== 0) {
    const mode = (stats.mode & 0o777 & ~GROUP_OR_OTHERS).toString(8).padStart(4, "0");
    const message = `${quote(path)} may be read by every user of this machine: chmod ${mode} it`;
    finds.warnings.push({ at, message });
  }
}
