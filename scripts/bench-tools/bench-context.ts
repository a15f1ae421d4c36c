/** What every section of the benchmark is given. */
import type { BrokerSetUp } from "./broker-under-test.ts";
import type { Pace } from "./load-process.ts";
import type { BenchOptions } from "./options.ts";

export interface BenchContext {
  readonly options: BenchOptions;
  readonly pace: Pace;
  /** A folder for what the servers write. */
  readonly scratch: string;
  readonly tell: (text: string) => void;
}

/** How the options have brokers started. */
export function brokerSetUp({ options, scratch }: Omit<BenchContext, "pace">): BrokerSetUp {
  const { rules, strict, also, aedes } = options;
  return { scratch, rules, strict, also, aedes };
}
