/** What all simulated nodes did so far, and what became of it. */
import { Delays } from "./delays.ts";

export interface FrameCounts {
  /** By the nodes, before anything befell them. */
  sent: number;
  /** From the gateway. */
  received: number;
  /** The other three are the simulated network's doing. */
  lost: number;
  duplicated: number;
  reordered: number;
}

export class Totals {
  readonly frames: FrameCounts = { sent: 0, received: 0, lost: 0, duplicated: 0, reordered: 0 };
  /** From PUBLISH, or the REGISTER before it, to its acknowledgement, repetitions included. */
  readonly delays = new Delays();
  /** Readings given to nodes to publish. */
  offered = 0;
  /** Taken by the gateway; at QoS 0 and -1, sent. */
  published = 0;
  /** Refused by the gateway, or not answered. */
  failed = 0;
  /** Not even tried, as too much waited. */
  skipped = 0;
  received = 0;
  /** CONNECTs that were accepted. */
  connected = 0;
  /** CONNECTs that were not. */
  refused = 0;
  /** Connections that ended unasked. */
  lost = 0;

  /** In one line. */
  describe(): string {
    const parts = [`${this.published} published`, `${this.received} received`];
    if (this.failed > 0) parts.push(`${this.failed} failed`);
    if (this.skipped > 0) parts.push(`${this.skipped} skipped`);
    if (this.lost > 0) parts.push(`${this.lost} connections lost`);
    return parts.join(", ");
  }

  /** What is to be said besides at the end, a line each. */
  details(acknowledged: boolean): string[] {
    const { frames, delays, offered, published, failed, skipped } = this;
    const unanswered = offered - published - failed;
    const lines: string[] = [];
    if (failed + skipped + unanswered > 0) {
      lines.push(
        `Lost: ${failed} readings were refused or not answered, ${skipped} were skipped as too much waited, ${unanswered} were on their way at the end.`,
      );
    } else if (offered > 0) {
      lines.push(acknowledged ? "Lost: nothing." : "Lost: nothing that the nodes know of.");
    }
    if (this.refused > 0) lines.push(`CONNECT was refused or not answered ${this.refused} times.`);
    if (delays.count > 0) {
      const [half, most] = [delays.percentile(0.5), delays.percentile(0.99)].map(shown);
      lines.push(
        `Acknowledged within ${half} ms (median), ${most} ms (99 %), ${shown(delays.longest)} ms (slowest).`,
      );
    }
    const { sent, received, lost, duplicated, reordered } = frames;
    if (lost + duplicated + reordered > 0) {
      lines.push(
        `The simulated network lost ${lost}, doubled ${duplicated} and held back ${reordered} of ${sent + received} frames.`,
      );
    }
    return lines;
  }
}

function shown(delay: number): string {
  return delay < 10 ? delay.toFixed(1) : String(Math.round(delay));
}
