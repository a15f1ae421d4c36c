/** Imports a plugin's module and has it make the plugin; what is wrong with it becomes a PluginError. */
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import type {
  AuthenticationMethod,
  CreatePlugin,
  Plugin,
  PluginContext,
} from "../../seams/plugin.ts";
import { faultText } from "./fault-text.ts";
import type { PluginFence } from "./fence.ts";
import { PluginError } from "./plugin-error.ts";

/** How long importing and making may take together, ms. */
const PATIENCE = 30_000;
/** Members that are functions, each optional. */
const FUNCTIONS = [
  "authenticate",
  "authorize",
  "onConnect",
  "onDisconnect",
  "onPublish",
  "onSubscribe",
  "onUnsubscribe",
  "stop",
] as const satisfies readonly (keyof Plugin)[];

/** Rejects with PluginError. */
export async function loadPlugin(fence: PluginFence, context: PluginContext): Promise<Plugin> {
  const { name, path } = fence;
  const fail = (problem: string, cause?: unknown): PluginError =>
    new PluginError(name, path, problem, cause);
  await checkFile(path, fail);
  // A rejection is told here in full, so that the fence is not to log it as well.
  const made = new Promise<Plugin>((resolve, reject) => {
    fence.eventually(
      "create()",
      PATIENCE,
      () => importAndCreate(path, context, fail).then(resolve, reject),
      ({ ok }) => {
        if (!ok) reject(fail(`is not ready after ${PATIENCE / 1000} s`));
      },
    );
  });
  return checked(await made, fail);
}

type Fail = (problem: string, cause?: unknown) => PluginError;

async function checkFile(path: string, fail: Fail): Promise<void> {
  try {
    if ((await stat(path)).isFile()) return;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw fail(code === "ENOENT" ? "there is no such file" : message);
  }
  throw fail("is no file");
}

async function importAndCreate(path: string, context: PluginContext, fail: Fail): Promise<Plugin> {
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  } catch (fault) {
    const place = fault instanceof SyntaxError ? await syntaxPlace(path) : "";
    throw fail(`cannot be loaded: ${faultText(fault, path)}${place}`, fault);
  }
  const create = module.default;
  if (typeof create !== "function") {
    const found = create === undefined ? "it has none" : `not ${kindOf(create)}`;
    throw fail(`its default export must be a function that makes the plugin; ${found}`);
  }
  try {
    return await (create as CreatePlugin)(context);
  } catch (fault) {
    throw fail(`could not be made: ${faultText(fault, path)}`, fault);
  }
}

/** Where in a file its grammar ends, as " (door.mjs:3)": an import does not tell, but Node's check does. */
function syntaxPlace(path: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--check", path], { timeout: 5000 }, (_error, _output, errors) => {
      const [first = ""] = errors.split("\n");
      const line = /:(\d+)$/.exec(first)?.[1];
      resolve(line === undefined ? "" : ` (${basename(path)}:${line})`);
    });
  });
}

function checked(plugin: Plugin, fail: Fail): Plugin {
  if (typeof plugin !== "object" || plugin === null) {
    throw fail(`its function must answer the plugin, an object, not ${kindOf(plugin)}`);
  }
  for (const member of FUNCTIONS) {
    const value: unknown = plugin[member];
    if (value !== undefined && typeof value !== "function") {
      throw fail(`${member} must be a function, not ${kindOf(value)}`);
    }
  }
  const misspelt = Object.keys(plugin).find((key) => meantBy(key) !== undefined);
  if (misspelt !== undefined) throw fail(`${misspelt} must be spelt ${meantBy(misspelt)}`);
  const names = methodsOf(plugin).map((method) => {
    if (typeof method?.method === "string" && method.method !== "") {
      if (typeof method.begin === "function") return method.method;
    }
    throw fail("extendedAuthentication needs method, a text, and begin, a function");
  });
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw fail(`extendedAuthentication has "${twice}" twice`);
  return plugin;
}

/** The member that differs from this key by capital letters only. */
function meantBy(key: string): string | undefined {
  const all = [...FUNCTIONS, "extendedAuthentication"];
  return all.find((member) => member !== key && member.toLowerCase() === key.toLowerCase());
}

/** The methods of enhanced authentication that a plugin has. */
export function methodsOf({ extendedAuthentication }: Plugin): readonly AuthenticationMethod[] {
  if (extendedAuthentication === undefined) return [];
  return Array.isArray(extendedAuthentication)
    ? (extendedAuthentication as readonly AuthenticationMethod[])
    : [extendedAuthentication as AuthenticationMethod];
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
