/** Opens the documents that this configuration needs, in the data's folder. */
import { join } from "node:path";
import { usesDynamicSecurity } from "./access-from-config.ts";
import { DYNAMIC_SECURITY_DOCUMENT } from "./auth/dynsec/dynamic-security.ts";
import type { Config } from "./config/schema.ts";
import { NODE_DECISIONS_DOCUMENT } from "./gateway/node-decisions.ts";
import { PREDEFINED_TOPICS_DOCUMENT } from "./gateway/predefined-sources.ts";
import type { DocumentStore } from "./seams/documents.ts";
import type { Log } from "./seams/log.ts";
import { DocumentFolder } from "./store/document-folder.ts";

export interface Documents {
  /** Of dynamic security. */
  readonly access: DocumentStore;
  /** Undefined where what operators decide on nodes is not kept. */
  readonly gateway: DocumentStore | undefined;
  /** Has what is being written finished. */
  stop(): Promise<void>;
}

/** `data` is the folder of the data. Rejects with StoreError. */
export async function openDocuments(config: Config, data: string, log: Log): Promise<Documents> {
  const folder = new DocumentFolder({ path: join(data, "documents"), log });
  const { gateway, store } = config;
  const keeps = gateway.enabled && store.mode !== "memory";
  const names = [
    ...(usesDynamicSecurity(config) ? [DYNAMIC_SECURITY_DOCUMENT] : []),
    ...(keeps ? [NODE_DECISIONS_DOCUMENT, PREDEFINED_TOPICS_DOCUMENT] : []),
  ];
  if (names.length > 0) await folder.open(names);
  return { access: folder, gateway: keeps ? folder : undefined, stop: () => folder.close() };
}
