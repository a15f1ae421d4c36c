/** What each section of the benchmark is carried out by. */
import { benchAway } from "./away-bench.ts";
import type { BenchContext } from "./bench-context.ts";
import { benchBridge } from "./bridge-bench.ts";
import type { Outcome } from "./comparison.ts";
import { benchGateway } from "./gateway-bench.ts";
import { benchIdle } from "./idle-bench.ts";
import { benchLatency } from "./latency-bench.ts";
import { benchMatching } from "./matching-bench.ts";
import { benchNodes } from "./nodes-bench.ts";
import type { SectionName } from "./options.ts";
import { benchThroughput } from "./throughput-bench.ts";

export const SECTION_BENCHES: Readonly<
  Record<SectionName, (context: BenchContext) => Promise<readonly Outcome[]>>
> = {
  throughput: benchThroughput,
  latency: benchLatency,
  matching: benchMatching,
  idle: benchIdle,
  away: benchAway,
  bridge: benchBridge,
  gateway: benchGateway,
  nodes: benchNodes,
};
