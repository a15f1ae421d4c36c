/** What connected clients that say nothing cost a broker. */
import { join } from "node:path";
import { openFilesLimit } from "../../src/system/open-files.ts";
import { type BenchContext, brokerSetUp } from "./bench-context.ts";
import { findBrokers, OURS, REFERENCE } from "./broker-under-test.ts";
import { PROTOCOL_NAMES } from "./cases.ts";
import { type Group, groupText, type Outcome, outcomeOf, type Table } from "./comparison.ts";
import { withinLimit } from "./file-limit.ts";
import { count } from "./format.ts";
import type { IdleJob, IdleResult } from "./idle-load.ts";
import { runLoad } from "./load-process.ts";
import { roundRobin } from "./round-robin.ts";
import { withServer } from "./with-server.ts";

const LOAD = join(import.meta.dirname, "idle-load.ts");

/** How long brokers have to come to rest, and are watched being idle; ms. */
const REST = 1000;
const WATCH = 2000;
const MOST_PER_CLIENT = 12_000;

type FigureName = "connected" | "subscribed" | "memory" | "connectRate" | "idleCpu";

const TABLE: Table<FigureName, IdleResult> = {
  columns: [
    { figure: "connected", title: "kB/client", unit: 1000 },
    { figure: "subscribed", title: "with filter", unit: 1000 },
    { figure: "memory", title: "RSS MB", unit: 1e6 },
    { figure: "connectRate", title: "logins/s", unit: 1 },
    { figure: "idleCpu", title: "idle ms/s", unit: 1 },
  ],
  reference: REFERENCE,
  notesOn: () => [],
};

/** Tells the outcome and answers it. */
export async function benchIdle(context: BenchContext): Promise<readonly Outcome[]> {
  const { options, tell } = context;
  const { count: clients, note } = withinLimit(options.clients, openFilesLimit());
  if (note !== "") tell(note);
  const protocol = options.protocols[0] ?? 4;
  const job = { clients, protocol, logins: options.rules, warmUp: REST, duration: WATCH };
  const contestants = findBrokers(brokerSetUp(context))
    .filter(({ name }) => name !== "aedes")
    .map(({ name, start }) => ({
      name,
      measure: () =>
        withServer(start, ({ port, pid }) =>
          runLoad<IdleJob, IdleResult>(LOAD, { ...job, port, pid }),
        ),
    }));
  const group: Group<IdleResult, FigureName> = {
    case: `idle-${clients}`,
    title: `${count(clients)} idle, ${PROTOCOL_NAMES[protocol]}`,
    rows: await roundRobin(contestants, context.pace.rounds),
    targets: [{ row: OURS, figure: "connected", of: "value", most: MOST_PER_CLIENT }],
  };
  tell(groupText(TABLE, group));
  return [outcomeOf(TABLE, group)];
}
