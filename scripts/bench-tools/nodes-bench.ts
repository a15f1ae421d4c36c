/** What many MQTT-SN nodes cost Midge's gateway while they are connected, and while they sleep. */
import { join } from "node:path";
import { openFilesLimit } from "../../src/system/open-files.ts";
import { freePort } from "../../test/kit/ports.ts";
import type { BenchContext } from "./bench-context.ts";
import { OURS, startGateway } from "./broker-under-test.ts";
import { type Group, groupText, type Outcome, outcomeOf, type Table } from "./comparison.ts";
import { withinLimit } from "./file-limit.ts";
import { count } from "./format.ts";
import { runLoad } from "./load-process.ts";
import type { NodesJob, NodesResult } from "./nodes-load.ts";
import { roundRobin } from "./round-robin.ts";
import type { Target } from "./targets.ts";
import { withServer } from "./with-server.ts";

const LOAD = join(import.meta.dirname, "nodes-load.ts");

/** How long the gateway has to come to rest, and is watched being idle; ms. */
const REST = 1000;
const WATCH = 2000;
const MOST_PER_NODE = 3000;
/** What the sleeping nodes may take together with all of Midge, and how many there are then. */
const MOST_SLEEPING = 400e6;
const MANY_SLEEPING = 100_000;

type FigureName = "connected" | "complete" | "memory" | "connectRate" | "idleCpu";

const TABLE: Table<FigureName, NodesResult> = {
  columns: [
    { figure: "connected", title: "kB/node", unit: 1000 },
    { figure: "complete", title: "with filter", unit: 1000 },
    { figure: "memory", title: "RSS MB", unit: 1e6 },
    { figure: "connectRate", title: "nodes/s", unit: 1 },
    { figure: "idleCpu", title: "idle ms/s", unit: 1 },
  ],
  reference: "none",
  notesOn: (rounds) => {
    const repeated = rounds.reduce((total, round) => total + round.repeated, 0);
    return repeated === 0 ? [] : [`${count(repeated)} datagrams were not answered in time.`];
  },
};

/** Tells each outcome when it is there, and answers all of them. */
export async function benchNodes(context: BenchContext): Promise<readonly Outcome[]> {
  const { options, tell } = context;
  const { count: connected, note } = withinLimit(options.nodes, openFilesLimit());
  if (note !== "") tell(note);
  const groups = [
    await benchGroup(context, connected, false, [
      { row: OURS, figure: "connected", of: "value", most: MOST_PER_NODE },
    ]),
  ];
  const { sleeping } = options;
  if (sleeping > 0) {
    const targets: readonly Target<FigureName>[] =
      sleeping === MANY_SLEEPING
        ? [{ row: OURS, figure: "memory", of: "value", most: MOST_SLEEPING }]
        : [];
    groups.push(await benchGroup(context, sleeping, true, targets));
  }
  for (const group of groups) tell(groupText(TABLE, group));
  return groups.map((group) => outcomeOf(TABLE, group));
}

async function benchGroup(
  { scratch, pace, options: { strict } }: BenchContext,
  nodes: number,
  sleeping: boolean,
  targets: readonly Target<FigureName>[],
): Promise<Group<NodesResult, FigureName>> {
  const measure = async (): Promise<NodesResult> => {
    const gatewayPort = await freePort();
    // Room for those that come first, too.
    const start = () => startGateway({ scratch, gatewayPort, nodes: nodes + 1000, strict });
    const job = { port: gatewayPort, nodes, sleeping, warmUp: REST, duration: WATCH };
    return withServer(start, ({ pid }) => runLoad<NodesJob, NodesResult>(LOAD, { ...job, pid }));
  };
  return {
    case: `${sleeping ? "sleeping" : "connected"}-${nodes}`,
    title: `${count(nodes)} ${sleeping ? "asleep" : "nodes"}`,
    rows: await roundRobin([{ name: OURS, measure }], pace.rounds),
    targets,
  };
}
