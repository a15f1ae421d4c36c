/** Where data goes when nobody has said: the system's place if it is ours, else here. */
import { accessSync, constants } from "node:fs";
import { resolve } from "node:path";

const SYSTEM_FOLDER = "/var/lib/midge";

/** `configured` may be empty. */
export function dataFolder(configured: string): string {
  if (configured !== "") return resolve(configured);
  try {
    accessSync(SYSTEM_FOLDER, constants.W_OK);
    return SYSTEM_FOLDER;
  } catch {
    return resolve("data");
  }
}
