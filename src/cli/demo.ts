/** Simulated nodes beside the gateway, to have something to see. */
import { spawn } from "node:child_process";
import type { Config } from "../config/schema.ts";
import type { Log } from "../seams/log.ts";

/** Simulated nodes in a process of their own, speaking to the first UDP link; answers how to end them. */
export function startDemo(config: Config, log: Log): () => void {
  const link = config.link.find(({ type }) => type === "udp");
  if (link === undefined || !config.gateway.enabled) {
    log.warn("--demo needs the gateway and a UDP link, and there is none.");
    return () => {};
  }
  const host = link.address === "" || link.address === "0.0.0.0" ? "127.0.0.1" : link.address;
  const program = process.argv[1] as string;
  const words = ["simulate", "--demo", "--host", host, "--port", String(link.port)];
  const child = spawn(process.execPath, [program, ...words], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  child.on("error", (error) => log.warn(`--demo: ${error.message}`));
  log.info(
    "  Demo                 a weather station, a door sensor and a tank level are on their way",
  );
  return () => child.kill("SIGINT");
}
