/** Measures Midge's MQTT-SN gateway, and a bare echo driven in the same way, round by round. */
import { join } from "node:path";
import { startMidge } from "./broker-under-test.ts";
import type { GatewayCase } from "./gateway-cases.ts";
import type { GatewayJob, GatewayResult } from "./gateway-load.ts";
import { type GatewayGroup, type GatewayRow, gatewayGroupText } from "./gateway-report.ts";
import { runLoad } from "./load-process.ts";
import { freePort, type RunningServer, startServer } from "./server-process.ts";

const LOAD = join(import.meta.dirname, "gateway-load.ts");
const ECHO = join(import.meta.dirname, "echo-server.ts");
/** For what comes on top of warming up and measuring; ms. */
const MOST_EXTRA = 45_000;
