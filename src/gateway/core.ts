/** What the parts of the gateway share. */
import type { Door, WaitingRoom } from "../seams/door.ts";
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import type { AdmissionPolicy } from "./admission-policy.ts";
import type { PendingConnect } from "./handle-connect.ts";
import type { MemoryBound } from "./memory-bound.ts";
import type { NodeAccess } from "./node-access.ts";
import type { NodeRecords } from "./node-records.ts";
import type { NodeTable } from "./node-table.ts";
import type { GatewayOptions } from "./options.ts";
import type { Output } from "./output.ts";
import type { PredefinedTopics } from "./predefined-topics.ts";
import type { Reports } from "./reports.ts";
import type { SenderLimits } from "./sender-limits.ts";

export interface Core {
  readonly door: Door;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly options: GatewayOptions;
  readonly nodes: NodeTable;
  readonly records: NodeRecords;
  readonly reports: Reports;
  readonly output: Output;
  readonly predefined: PredefinedTopics;
  readonly memory: MemoryBound;
  /** What waits for nodes at the broker. */
  readonly room: WaitingRoom;
  readonly admission: AdmissionPolicy;
  readonly access: NodeAccess;
  readonly limits: SenderLimits;
  /** By ClientId, those that access control has not answered for yet. */
  readonly connecting: Map<string, PendingConnect>;
}
