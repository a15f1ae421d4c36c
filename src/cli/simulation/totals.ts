/** What all simulated nodes did so far. */

export class Totals {
  /** Taken by the gateway; at QoS 0, sent. */
  published = 0;
  failed = 0;
  /** Not even tried, as too much waited. */
  skipped = 0;
  received = 0;
  connected = 0;
  /** Connections that ended unasked. */
  lost = 0;

  describe(): string {
    const parts = [`${this.published} published`, `${this.received} received`];
    if (this.failed > 0) parts.push(`${this.failed} failed`);
    if (this.skipped > 0) parts.push(`${this.skipped} skipped`);
    if (this.lost > 0) parts.push(`${this.lost} connections lost`);
    return parts.join(", ");
  }
}
