/** A record of the store as a line for people. */
import type { RecordDescription } from "../store/describe-record.ts";

const KIND_WIDTH = 12;
/** Characters of a value that are shown. */
const LONGEST = 100;

/** Whose it is first, then what it is about, then all else that it says. */
export function recordLine(description: RecordDescription): string {
  const { kind, clientId, topic, ...others } = description;
  const words = [kind.padEnd(KIND_WIDTH)];
  if (clientId !== undefined) words.push(shown(clientId));
  if (topic !== undefined) words.push(shown(topic));
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined || value === false) continue;
    words.push(value === true ? name : `${name}=${shown(value)}`);
  }
  return words.join(" ");
}

function shown(value: unknown): string {
  const plain = typeof value === "string" && /^[\w./:+#$@-]+$/.test(value);
  const text = plain ? value : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
