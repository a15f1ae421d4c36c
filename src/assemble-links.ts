/** From the links of the configuration to those of the gateway. */
import { hostname } from "node:os";
import type { LinkConfig } from "./config/schema.ts";
import type { Gateway } from "./gateway/gateway.ts";
import type { LineSource } from "./links/line.ts";
import { lineProtocol, lineSource } from "./links/line-from-config.ts";
import { LineLink } from "./links/line-link.ts";
import { OwnEndpoints } from "./links/own-endpoints.ts";
import { bytesPerSecond } from "./links/serial-source.ts";
import { UdpLink } from "./links/udp-link.ts";
import type { Log } from "./seams/log.ts";
import type { RealTime } from "./system/real-time.ts";
import { Backoff } from "./time/backoff.ts";

export interface LinksParts {
  readonly links: readonly LinkConfig[];
  readonly gateway: Gateway;
  readonly time: RealTime;
  readonly log: Log;
  /** Starts a link that is stopped with the rest; false where an optional one could not be. */
  readonly start: (link: UdpLink | LineLink, optional: boolean) => Promise<boolean>;
}

/** Serial ports are looked for so often, ms; it costs next to nothing. */
const LOOK_FOR_PORTS = 500;
/** Servers are asked for a connection less and less often, ms. */
const FIRST_DIAL = 1000;
const LAST_DIAL = 30_000;

/** Starts all links; answers where nodes reach them. Rejects with LinkError. */
export async function startLinks(parts: LinksParts): Promise<string[]> {
  const own = new OwnEndpoints();
  const places: string[] = [];
  for (const [index, config] of parts.links.entries()) {
    if (config.type !== "udp") {
      const source = lineSource(config);
      await parts.start(lineLink(config, source, parts), false);
      const scheme = config.type === "serial" ? "serial:" : "";
      places.push(`${scheme}${source.sought} (${config.framing})`);
      continue;
    }
    const link = udpLink(config, index, own, parts);
    if (!(await parts.start(link, config.optional))) continue;
    parts.gateway.attach(link);
    places.push(`udp://${hostPort(config.address, link.port)}`);
  }
  return places;
}

function udpLink(config: LinkConfig, index: number, own: OwnEndpoints, parts: LinksParts): UdpLink {
  return new UdpLink({
    ...common(config),
    address: config.address,
    port: config.port,
    multicastGroup: config.multicast_group === "" ? undefined : config.multicast_group,
    multicastInterface: config.multicast_interface === "" ? undefined : config.multicast_interface,
    multicastHops: config.multicast_ttl,
    receiveBuffer: config.receive_buffer,
    own,
    setting: `link[${index}].port`,
    end: parts.gateway,
    log: parts.log,
  });
}

function lineLink(config: LinkConfig, source: LineSource, parts: LinksParts): LineLink {
  const { gateway, time, log } = parts;
  return new LineLink({
    ...common(config),
    source,
    protocol: (end) => lineProtocol(config, end),
    bytesPerSecond: bytesPerSecond({
      baudRate: config.baud_rate,
      parity: config.parity,
      stopBits: config.stop_bits,
    }),
    gap: config.byte_gap,
    backoff:
      config.type === "serial"
        ? new Backoff(LOOK_FOR_PORTS, LOOK_FOR_PORTS, Math.random)
        : new Backoff(FIRST_DIAL, LAST_DIAL, Math.random),
    end: gateway,
    up: (link) => gateway.attach(link),
    down: (link) => gateway.detach(link),
    clock: time,
    scheduler: time.scheduler,
    log,
  });
}

function common(config: LinkConfig) {
  return {
    name: config.name,
    retryInterval: config.retry_interval * 1000,
    retryLimit: config.retry_limit,
    maximumFrame: config.max_frame,
    gatewayId: config.gateway_id,
    advertiseInterval: config.advertise_interval,
  };
}

/** A host and port as URLs write them; "every address" is shown as this machine's name. */
function hostPort(host: string, port: number): string {
  const name = host === "" || host === "0.0.0.0" || host === "::" ? hostname() : host;
  return `${name.includes(":") ? `[${name}]` : name}:${port}`;
}
