/** The URL of a broker that everything is passed on to. */
import { type Endpoint, parseEndpoint } from "./addresses.ts";

export interface UpstreamAddress extends Endpoint {
  readonly tls: boolean;
  /** The path that MQTT over WebSocket is asked for at; undefined is MQTT without WebSocket. */
  readonly webSocketPath: string | undefined;
}

interface Scheme {
  readonly tls: boolean;
  readonly webSocket: boolean;
  readonly port: number;
}

const SCHEMES: Readonly<Record<string, Scheme>> = {
  mqtt: { tls: false, webSocket: false, port: 1883 },
  mqtts: { tls: true, webSocket: false, port: 8883 },
  ws: { tls: false, webSocket: true, port: 80 },
  wss: { tls: true, webSocket: true, port: 443 },
};

/** Whether it has a user name, and so perhaps a password, before the host. */
export function hasLogin(url: string): boolean {
  return /^[a-z]+:\/\/[^/]*@/i.test(url);
}

/** Undefined if it is no such URL. User names and passwords have no place in it. */
export function parseUpstream(url: string): UpstreamAddress | undefined {
  const match = /^([a-z]+):\/\/([^/?#@\s]+)(\/[\x21-\x7e]*)?$/i.exec(url);
  const scheme = SCHEMES[match?.[1]?.toLowerCase() ?? ""];
  if (match === null || scheme === undefined) return undefined;
  const [, , place = "", path = ""] = match;
  const endpoint = parseEndpoint(place, scheme.port);
  if (endpoint === undefined || (!scheme.webSocket && path.length > 1)) return undefined;
  const webSocketPath = path === "" ? "/mqtt" : path;
  return {
    ...endpoint,
    tls: scheme.tls,
    webSocketPath: scheme.webSocket ? webSocketPath : undefined,
  };
}
