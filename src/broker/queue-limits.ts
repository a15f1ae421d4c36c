/** How much may wait in a session, how long, and what gives way when that is too much. */
import type { QueuePolicy, WaitingRoom } from "../seams/door.ts";
import type { Session } from "./session.ts";

export interface QueueLimits {
  /** 0 is no limit. */
  readonly maxQueuedMessages: number;
  /** Payload bytes; 0 is no limit. */
  readonly maxQueuedBytes: number;
  readonly queuePolicy: QueuePolicy;
}

export function limitsOf({ terms, context }: Session): QueueLimits {
  return terms ?? context.options;
}

/** What was stamped before this by the queue clock has waited for too long; -Infinity for nothing. */
export function oldestAllowed({ terms, origin, context }: Session): number {
  // For how long messages may wait for a bridge is known only when it has come.
  const brokers = origin === "bridge" ? 0 : context.options.maxQueuedAge;
  return context.queueClock.oldest(terms?.maxQueuedAge ?? brokers);
}

/**
 * Whether so many messages, of so many payload bytes, are more than may wait for one client. `others` are
 * the bytes of those that it shares the room with. `allowance` widens the queue by so many messages.
 */
export function isTooMuch(
  count: number,
  bytes: number,
  others: number,
  allowance: number,
  { maxQueuedMessages, maxQueuedBytes }: QueueLimits,
  room: WaitingRoom | undefined,
): boolean {
  if (maxQueuedMessages > 0 && count > maxQueuedMessages + allowance) return true;
  if (room !== undefined && room.total > 0 && others + bytes > room.total) return true;
  if (allowance > 0) return false;
  if (maxQueuedBytes > 0 && bytes > maxQueuedBytes) return true;
  return room !== undefined && room.each > 0 && bytes > room.each;
}
