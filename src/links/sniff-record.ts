/** What the sniffing door tells of one frame, as a line of JSON. */

export interface SniffRecord {
  /** Unix ms. */
  readonly at: number;
  /** "in" is from a node. */
  readonly way: "in" | "out";
  /** The node's address on its link; "" for broadcasts. */
  readonly address: string;
  /** The MQTT-SN message, without what the line wraps around it. */
  readonly frame: Uint8Array;
}

export function writeRecord({ at, way, address, frame }: SniffRecord): string {
  return `${JSON.stringify({ at, way, address, frame: Buffer.from(frame).toString("hex") })}\n`;
}

/** Undefined for a line that is none. */
export function readRecord(line: string): SniffRecord | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { at, way, address, frame } = (fields ?? {}) as Record<string, unknown>;
  if (typeof at !== "number" || typeof address !== "string" || typeof frame !== "string") {
    return undefined;
  }
  if (way !== "in" && way !== "out") return undefined;
  return { at, way, address, frame: new Uint8Array(Buffer.from(frame, "hex")) };
}
