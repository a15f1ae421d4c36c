/** How many connections one process may have on this system. */
import { count } from "./format.ts";

/** What a process needs besides those for its clients. */
const OTHER_FILES = 100;

/** As many of `wanted` as this system lets a process have connections, and why if not all. */
export function withinLimit(
  wanted: number,
  limit: number | undefined,
): { readonly count: number; readonly note: string } {
  const most = Math.max(1, (limit ?? Number.POSITIVE_INFINITY) - OTHER_FILES);
  if (wanted <= most) return { count: wanted, note: "" };
  const note =
    `Only ${count(most)} of ${count(wanted)}: a process may have ${count(limit ?? 0)} files open ` +
    "here. Raise that for more: ulimit -Hn, as root.\n";
  return { count: most, note };
}
