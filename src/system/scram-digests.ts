/** The digests of SCRAM-SHA-256, computed by Node. */
import { createHmac, hash } from "node:crypto";
import type { ScramDigests } from "../auth/scram-record.ts";

export const NODE_DIGESTS: ScramDigests = {
  sha256: (data) => new Uint8Array(hash("sha256", data, "buffer")),
  hmacSha256: (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest()),
};
