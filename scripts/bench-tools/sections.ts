/** What each section of the benchmark is carried out by. */
import type { BenchContext } from "./bench-context.ts";
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
  gateway: benchGateway,
  nodes: benchNodes,
};
