/** The URL of -L: scheme, user, host, port and topic at once. */
import { InvalidArgumentError } from "commander";
import { text, wholeNumber } from "./option-values.ts";

export interface ServerUrl {
  readonly tls: boolean;
  readonly webSocket: boolean;
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly topic: string;
}

const SCHEMES: Readonly<Record<string, Pick<ServerUrl, "tls" | "webSocket">>> = {
  mqtt: { tls: false, webSocket: false },
  mqtts: { tls: true, webSocket: false },
  ws: { tls: false, webSocket: true },
  wss: { tls: true, webSocket: true },
};

/** The port that a way of connecting has if none is given. */
export function usualPort({ tls, webSocket }: Pick<ServerUrl, "tls" | "webSocket">): number {
  if (webSocket) return tls ? 443 : 80;
  return tls ? 8883 : 1883;
}

const URL = /^([a-z]+):\/\/(?:([^/:@]*)(?::([^/@]*))?@)?(\[[^\]]+\]|[^/:@]+)(?::(\d+))?\/(.+)$/i;

/** Taken apart as Mosquitto does: nothing is percent-decoded, all behind the host is the topic. */
export function parseUrl(value: string): ServerUrl {
  const match = URL.exec(value);
  const way = SCHEMES[match?.[1]?.toLowerCase() ?? ""];
  if (match === null || way === undefined) {
    throw new InvalidArgumentError(
      "It must be mqtt://[username[:password]@]host[:port]/topic, or mqtts://, ws:// or wss://.",
    );
  }
  const [, , username, password, host = "", port, topic = ""] = match;
  return {
    ...way,
    host: host.replace(/^\[|\]$/g, ""),
    port: port === undefined ? usualPort(way) : wholeNumber(1, 65535)(port),
    username,
    password,
    topic: text(topic),
  };
}
