/** A broker with plugins, on a virtual clock: modules are written to files, and loaded as users' are. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { AccessControl } from "../../src/auth/access-control.ts";
import type { ChainLink } from "../../src/auth/access-policy.ts";
import { OPEN } from "../../src/auth/access-policy.ts";
import { formatPasswordRecord } from "../../src/auth/password-records.ts";
import type { CreatePlugin, PluginContext } from "../../src/seams/plugin.ts";
import { PluginHost } from "../../src/system/plugins/plugin-host.ts";
import { KeptLog } from "./kept-log.ts";
import { PlainHasher, plainRecord } from "./plain-hasher.ts";
import { TestBroker } from "./test-broker.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** The source of a module, or what makes the plugin: then the module hands that on. */
export type PluginModule = string | CreatePlugin;

export interface PluginStandOptions {
  readonly allowAnonymous?: boolean;
  readonly options?: Readonly<Record<string, string | number | boolean>>;
  /** Users of a password file that is asked before the plugins, and their passwords. */
  readonly users?: Readonly<Record<string, string>>;
}

export interface PluginStand {
  readonly broker: TestBroker;
  readonly host: PluginHost;
  readonly access: AccessControl;
  readonly log: KeptLog;
  readonly clock: VirtualClock;
  /** Lets promises settle and deferred work be done. */
  readonly settle: () => Promise<void>;
}

/** What modules made from functions find their functions by. */
const makers: CreatePlugin[] = [];
Object.assign(globalThis, { midgePluginMakers: makers });

export function pluginFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "midge-plugin-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes `NAME.mjs` for each module. */
export function writeModules(
  folder: string,
  modules: Readonly<Record<string, PluginModule>>,
): void {
  for (const [name, module] of Object.entries(modules)) {
    const text =
      typeof module === "string"
        ? module
        : `export default globalThis.midgePluginMakers[${makers.push(module) - 1}];`;
    writeFileSync(join(folder, `${name}.mjs`), text);
  }
}

/** A host that is not started. */
export function pluginHost(
  t: TestContext,
  modules: Readonly<Record<string, PluginModule>>,
  options: PluginContext["options"] = {},
): { host: PluginHost; log: KeptLog; clock: VirtualClock; folder: string } {
  const folder = pluginFolder(t);
  writeModules(folder, modules);
  const clock = new VirtualClock();
  const log = new KeptLog();
  const host = new PluginHost({
    plugins: Object.keys(modules).map((name) => ({
      name,
      module: join(folder, `${name}.mjs`),
      options,
    })),
    maxTopicLevels: 200,
    watchProcess: false,
    clock,
    scheduler: clock.scheduler,
    log,
  });
  t.after(() => host.stop());
  return { host, log, clock, folder };
}

/** Plugins at work, each under the name of its module, all of them in the listener's chain. */
export async function pluginStand(
  t: TestContext,
  modules: Readonly<Record<string, PluginModule>>,
  { allowAnonymous = true, options = {}, users = {} }: PluginStandOptions = {},
): Promise<PluginStand> {
  const { host, log, clock } = pluginHost(t, modules, options);
  await host.start();
  const { scheduler } = clock;
  const chain: ChainLink[] = Object.keys(modules).map((name) => ({ kind: "plugin", name }));
  const lines = Object.entries(users).map(
    ([name, password]) => `${name}:${formatPasswordRecord(plainRecord(password))}`,
  );
  if (lines.length > 0) chain.unshift({ kind: "password-file", path: "/pw" });
  const access = new AccessControl({
    settings: {
      throttle: { freeFailures: 5, longestDelay: 30_000 },
      listeners: new Map([["main", { allowAnonymous, chain }]]),
      nodes: new Map([["udp", OPEN]]),
      others: OPEN,
    },
    files: { read: () => ({ ok: true, text: lines.join("\n") }) },
    hasher: new PlainHasher(scheduler),
    plugins: host.modules,
    clock,
    scheduler,
    log,
  });
  assert.deepEqual(access.load(), []);
  const broker = new TestBroker({ access, clock, hooks: host.hooks });
  host.onRightsChanged = () => access.changed();
  host.attach(broker.broker);
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn++) await new Promise((done) => setImmediate(done));
    broker.disk.commit();
  };
  await settle();
  return { broker, host, access, log, clock, settle };
}
