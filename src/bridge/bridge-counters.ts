/** What a bridge has carried, and what it could not. */
export interface BridgeCounters {
  /** Messages sent to the remote broker, repetitions included. */
  sent: number;
  /** Messages taken from the remote broker, repetitions included. */
  received: number;
  /** Messages that the remote broker cannot or may not be sent, or has refused for good. */
  dropped: number;
  /** Messages dropped here since no more may wait, or to make room for newer ones. */
  queueDroppedFull: number;
  /** Messages dropped here since they had waited too long. */
  queueDroppedAge: number;
  /** Publishes that were refused here since no more may wait. */
  queueRefused: number;
  /** Messages from there that could not be published here. */
  refused: number;
  /** Messages that had been here before, and were stopped. */
  looped: number;
  /** Connections that the remote broker has accepted. */
  connects: number;
  /** Attempts to connect that failed, and connections that broke. */
  failures: number;
}

export function zeroBridgeCounters(): BridgeCounters {
  return {
    sent: 0,
    received: 0,
    dropped: 0,
    queueDroppedFull: 0,
    queueDroppedAge: 0,
    queueRefused: 0,
    refused: 0,
    looped: 0,
    connects: 0,
    failures: 0,
  };
}
