/** The process's entry: finds the subcommand, loads only what it needs, and maps errors to exit codes. */
import { join } from "node:path";
import type { Command } from "commander";

interface Subcommand {
  readonly summary: string;
  readonly load: () => Promise<{
    command(): Command;
    /** Puts the words that follow the command in a form that commander can read. */
    arrange?(command: Command, words: readonly string[]): string[];
  }>;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  run: { summary: "run the gateway", load: loadRun },
  check: { summary: "check a configuration file", load: () => import("./cli/check.ts") },
  pub: { summary: "publish MQTT messages", load: () => import("./cli/pub.ts") },
  sub: {
    summary: "subscribe to MQTT topics and print messages",
    load: () => import("./cli/sub.ts"),
  },
  rr: {
    summary: "publish a request and print the response",
    load: () => import("./cli/rr.ts"),
  },
  "sn-pub": { summary: "publish as an MQTT-SN node", load: () => import("./cli/sn-pub.ts") },
  "sn-sub": { summary: "subscribe as an MQTT-SN node", load: () => import("./cli/sn-sub.ts") },
  ports: { summary: "list the serial ports", load: () => import("./cli/ports.ts") },
  sniff: {
    summary: "print the MQTT-SN messages on a link",
    load: () => import("./cli/sniff.ts"),
  },
  simulate: { summary: "run simulated MQTT-SN nodes", load: () => import("./cli/simulate.ts") },
  passwd: { summary: "manage a password file", load: () => import("./cli/passwd.ts") },
  backup: {
    summary: "write all that a running or stopped Midge keeps to one file",
    load: () => withVersion(import("./cli/backup.ts")),
  },
  restore: { summary: "put a backup back", load: () => import("./cli/restore.ts") },
  store: {
    summary: "check or list what a Midge keeps",
    load: () => withVersion(import("./cli/store.ts")),
  },
  ctrl: {
    summary: "manage clients, groups and roles of a running broker",
    load: () => import("./cli/ctrl.ts"),
  },
};

/** The built dashboard page: beside the bundle, or where the build puts it when run from the sources. */
const page = join(
  import.meta.dirname,
  import.meta.filename.endsWith(".ts") ? "../dist/page" : "page",
);

/** `run` alone needs the whole gateway, which is put together here. */
async function loadRun(): Promise<{ command(): Command }> {
  const { command } = await import("./cli/run.ts");
  return {
    command: () =>
      command(async () => {
        const { Midge } = await import("./assemble.ts");
        return (parts) => new Midge({ ...parts, page });
      }),
  };
}

/** Of a command that writes down by which Midge something was made. */
async function withVersion(
  loading: Promise<{ command(version: string): Command }>,
): Promise<{ command(): Command }> {
  const { VERSION } = await import("./version.ts");
  const { command } = await loading;
  return { command: () => command(VERSION) };
}

function help(): string {
  const lines = Object.entries(SUBCOMMANDS).map(
    ([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`,
  );
  return `Usage: midge COMMAND [OPTIONS]
       midge -c FILE [-p PORT] [-v]     the same as midge run, in Mosquitto's words

Commands:
${lines.join("\n")}

Options:
  --version  print the version
  --help     print this text; midge COMMAND --help tells about a command
`;
}

async function main(args: readonly string[]): Promise<void> {
  const [first, ...rest] = args;
  if (first === undefined || first === "--help" || first === "help") {
    process.stdout.write(help());
    return;
  }
  if (first === "--version") {
    const { VERSION } = await import("./version.ts");
    process.stdout.write(`midge version ${VERSION}\n`);
    return;
  }
  const subcommand = SUBCOMMANDS[first];
  if (subcommand !== undefined) {
    const { command, arrange } = await subcommand.load();
    const built = command().name(`midge ${first}`);
    await built.parseAsync(arrange?.(built, rest) ?? rest, { from: "user" });
    return;
  }
  if (first.startsWith("-")) {
    const { command } = await loadRun();
    await command()
      .name("midge")
      .parseAsync([...args], { from: "user" });
    return;
  }
  const known = Object.keys(SUBCOMMANDS).join(", ");
  process.stderr.write(`midge: there is no command "${first}"; the commands are ${known}\n`);
  process.exitCode = 1;
}

await main(process.argv.slice(2));
