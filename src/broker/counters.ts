/** What the broker counts, for `$SYS` and metrics. */

export interface Counters {
  bytesReceived: number;
  bytesSent: number;
  messagesReceived: number;
  messagesSent: number;
  publishReceived: number;
  publishSent: number;
  publishBytesReceived: number;
  publishBytesSent: number;
  /** Messages that a session had no room for, that waited too long, or that a slow client missed. */
  publishDropped: number;
  /** Of these, the ones that there was no room for, or that made room for others. */
  queueDroppedFull: number;
  /** Of these, the ones that had waited too long. */
  queueDroppedAge: number;
  /** Publishes that were refused since a recipient had no room. */
  queueRefused: number;
  /** Connections that clients have opened, whatever became of them. */
  connections: number;
  /** CONNECT packets. */
  connects: number;
  clientsMaximum: number;
  sessionsExpired: number;
}

export function zeroCounters(): Counters {
  return {
    bytesReceived: 0,
    bytesSent: 0,
    messagesReceived: 0,
    messagesSent: 0,
    publishReceived: 0,
    publishSent: 0,
    publishBytesReceived: 0,
    publishBytesSent: 0,
    publishDropped: 0,
    queueDroppedFull: 0,
    queueDroppedAge: 0,
    queueRefused: 0,
    connections: 0,
    connects: 0,
    clientsMaximum: 0,
    sessionsExpired: 0,
  };
}
