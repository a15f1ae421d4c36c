/** Builds access control from the configuration: its files, dynamic security, and what they are kept in. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { accessSettingsFrom, usesDynamicSecurity } from "./access-from-config.ts";
import { AccessControl, type AccessModule } from "./auth/access-control.ts";
import { BrokerControl, type ListenerFact } from "./auth/broker-control.ts";
import { DynamicSecurity } from "./auth/dynsec/dynamic-security.ts";
import { ScramMethod } from "./auth/scram-method.ts";
import type { Broker } from "./broker/broker.ts";
import type { Config, ListenerConfig } from "./config/schema.ts";
import type { DocumentStore } from "./seams/documents.ts";
import type { Log } from "./seams/log.ts";
import { ThreadPoolHasher } from "./system/password-hasher.ts";
import type { RealTime } from "./system/real-time.ts";
import { NODE_DIGESTS } from "./system/scram-digests.ts";
import { stableSecret } from "./system/stable-secret.ts";
import { LocalTextFiles } from "./system/text-files.ts";

/** What the files of access control say is wrong, or cannot be read: Midge must not start open. */
export class AccessError extends Error {
  readonly code = "MIDGE_ACCESS_INVALID";

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "AccessError";
  }
}

export interface AccessParts {
  readonly config: Config;
  readonly time: RealTime;
  readonly log: Log;
  /** Folder of the data. */
  readonly data: string;
  /** With the document of dynamic security open, if that is used. */
  readonly documents: DocumentStore;
  readonly plugins?: ReadonlyMap<string, AccessModule> | undefined;
}

const FIRST_ADMINISTRATOR = "admin";

export class AssembledAccess {
  readonly control: AccessControl;
  readonly #dynsec: DynamicSecurity | undefined;
  readonly #parts: AccessParts;

  constructor(parts: AccessParts) {
    const { config, time, log, documents } = parts;
    const { scheduler } = time;
    const hasher = new ThreadPoolHasher();
    const dynsec = usesDynamicSecurity(config)
      ? new DynamicSecurity({ documents, hasher, scheduler, log })
      : undefined;
    const secret = secretOf(parts);
    const random = (count: number): Uint8Array => new Uint8Array(randomBytes(count));
    this.control = new AccessControl({
      settings: accessSettingsFrom(config),
      files: new LocalTextFiles(),
      hasher,
      dynamicSecurity: dynsec && { authenticator: dynsec, authorizer: dynsec },
      plugins: parts.plugins,
      passwordMethods: (users, throttle) => [
        new ScramMethod({ users, digests: NODE_DIGESTS, random, secret, throttle, scheduler, log }),
      ],
      clock: time,
      scheduler,
      log,
    });
    this.#dynsec = dynsec;
    this.#parts = parts;
  }

  /** Reads files and documents. Rejects with AccessError or StoreError. */
  async open(): Promise<void> {
    const problems = this.control.load();
    if (problems.length > 0) throw new AccessError(problems);
    const dynsec = this.#dynsec;
    if (dynsec === undefined) return;
    if (dynsec.load() === "none") await this.#begin(dynsec);
    dynsec.onChange = () => this.control.changed();
  }

  /** Has clients manage the broker, as far as the configuration lets them. */
  attach(broker: Broker): void {
    const { config, time, log } = this.#parts;
    const dynsec = this.#dynsec;
    if (dynsec !== undefined) {
      dynsec.connected = broker;
      broker.control(dynsec);
    }
    if (!config.access.enable_control_api) return;
    const endpoints = dynsec === undefined ? [] : [dynsec.topic];
    broker.control(
      new BrokerControl({
        listeners: () => config.listener.map(factOf),
        plugins: () => (dynsec === undefined ? [] : [{ name: "dynamic-security", endpoints }]),
        scheduler: time.scheduler,
        log,
      }),
    );
  }

  /** Reads the files again, those of a new configuration. */
  reload(config: Config): void {
    this.control.reload(accessSettingsFrom(config));
  }

  /** The first time: takes over Mosquitto's document, or makes an administrator. */
  async #begin(dynsec: DynamicSecurity): Promise<void> {
    const { access } = this.#parts.config;
    // Mosquitto makes the file where there is none.
    if (access.dynamic_security_import !== "" && existsSync(access.dynamic_security_import)) {
      const problem = dynsec.adopt(readJson(access.dynamic_security_import));
      if (problem !== undefined) {
        throw new AccessError([`${access.dynamic_security_import}: ${problem}`]);
      }
      return;
    }
    const file = access.dynamic_security_password_init_file;
    const password = file === "" ? randomBytes(15).toString("base64url") : readFirstLine(file);
    await new Promise<void>((resolve, reject) => {
      dynsec.initialise(FIRST_ADMINISTRATOR, password, (problem) =>
        problem === undefined
          ? resolve()
          : reject(new AccessError([`dynamic security: ${problem}`])),
      );
    });
    if (file === "") {
      this.#parts.log.notice(
        `Dynamic security begins with the client "${FIRST_ADMINISTRATOR}" and the password ${password} (told only once).`,
      );
    }
  }
}

/** Unknown users must look the same at every attempt, and over a restart, as known ones do. */
function secretOf({ config, data, log }: AccessParts): Uint8Array {
  const kept = config.store.mode !== "memory" && config.listener.some((one) => one.password_file);
  return stableSecret(kept ? join(data, "scram-secret") : undefined, (text) => log.warn(text));
}

function factOf({
  port,
  address,
  path,
  protocol,
  certfile,
  psk_hint,
}: ListenerConfig): ListenerFact {
  return {
    port: path === "" ? port : 0,
    webSocket: protocol === "websockets",
    tls: certfile !== "" || psk_hint !== "",
    address: address === "" ? undefined : address,
    path: path === "" ? undefined : path,
  };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new AccessError([`${path}: ${(error as Error).message}`]);
  }
}

function readFirstLine(path: string): string {
  try {
    return readFileSync(path, "utf8").split("\n", 1)[0] as string;
  } catch (error) {
    throw new AccessError([`${path}: ${(error as Error).message}`]);
  }
}
