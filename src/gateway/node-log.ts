/** Log lines on what happens to nodes: each event once, and no node fills the log. */
import type { SnNode } from "./sn-node.ts";

/** Lines of one node within a span, before the rest goes to the debug log. */
const LINES = 10;
/** ms */
const SPAN = 60_000;

export function tell(node: SnNode, level: "info" | "warn", text: string): void {
  const { log, clock } = node.core;
  const now = clock.now();
  if (now - node.linesSince >= SPAN) {
    node.linesSince = now;
    node.lines = 0;
  }
  node.lines++;
  if (node.lines > LINES) log.debug(text);
  else if (node.lines < LINES) log[level](text);
  else log[level](`${text} (more on this node within the minute only in the debug log)`);
}
