/** The options of mosquitto.conf that say where and how to listen. */
import { type ConfigDraft, TableDraft } from "./mosquitto-draft.ts";
import type { OptionLine, Report, Special } from "./mosquitto-line.ts";
import { fault } from "./mosquitto-words.ts";
import { quote } from "./show-value.ts";

export const LISTENER_OPTIONS: Readonly<Record<string, Special>> = {
  accept_protocol_versions: acceptProtocolVersions,
  bind_address: bindAddress,
  listener,
  per_listener_settings: perListenerSettings,
  port: defaultPort,
  protocol,
  socket_domain: socketDomain,
  websockets_headers_size: headersSize,
};

/** `listener PORT [ADDRESS]`, or `listener 0 PATH` for a Unix socket. */
function listener({ words, place, draft, context }: OptionLine): void {
  draft.localOnly = false;
  const port = words.integer();
  const word = words.next();
  const where = word?.startsWith("#") ? undefined : word;
  const table = new TableDraft(place);
  if (port !== 0) table.set("port", port, place);
  else if (where === undefined) fault("port 0 means a Unix socket: its path is missing");
  if (where !== undefined) table.set(port === 0 ? "path" : "address", where, place);
  draft.listeners.push(table);
  context.listener = table;
}

function defaultPort({ words, place, draft, context, warn }: OptionLine): void {
  draft.localOnly = false;
  const table = draft.useDefaultListener(place);
  context.listener = table;
  if (table.has("port")) warn("given before: the latest counts");
  table.set("port", words.integer(), place);
}

function bindAddress({ words, place, draft, context }: OptionLine): void {
  draft.localOnly = false;
  const table = draft.useDefaultListener(place);
  context.listener = table;
  if (table.has("address")) fault("given twice");
  table.set("address", words.text(), place);
}

const PROTOCOLS = ["mqtt", "websockets", "http_api"] as const;

function protocol({ words, place, context }: OptionLine): void {
  context.listener?.set("protocol", words.choice(PROTOCOLS), place);
}

function socketDomain({ words, place, context }: OptionLine): void {
  context.listener?.set("socket_domain", words.choice(["ipv4", "ipv6"]), place);
}

/** `accept_protocol_versions 3, 4`. */
function acceptProtocolVersions({ words, place, context }: OptionLine): void {
  const versions = words.text().split(/[, \t]+/);
  const wrong = versions.find((version) => !/^[345]$/.test(version));
  if (wrong !== undefined) fault(`expected 3, 4 and 5 with commas between, got ${quote(wrong)}`);
  context.listener?.set("accept_protocol_versions", versions.map(Number), place);
}

/** Once true, it stays so. */
function perListenerSettings({ words, draft }: OptionLine): void {
  if (draft.perListenerSettings || !words.flag()) return;
  if (draft.hasGlobalSecurity) fault("must stand before the settings that it is about");
  draft.perListenerSettings = true;
}

const SHORTEST_HEADERS = 1024;

/** For all listeners, those of later lines too. */
function headersSize({ words, place, draft }: OptionLine): void {
  const size = words.integer();
  if (size < 0 || size > 65_535) fault("expected a number from 0 to 65535");
  draft.headersSize = { value: Math.max(SHORTEST_HEADERS, size), place };
}

/** What Mosquitto takes for granted about listeners. */
export function finishListeners(draft: ConfigDraft, report: Report, warn: Report): void {
  const { localOnly, headersSize, listeners } = draft;
  const { access } = draft.single;
  if (!access.has("allow_anonymous")) access.set("allow_anonymous", localOnly, access.place);
  for (const listener of listeners) {
    const { place } = listener;
    if (!listener.has("path")) {
      if (!listener.has("port")) listener.set("port", 1883, place);
      if (!listener.has("address")) listener.set("address", localOnly ? "localhost" : "", place);
    }
    if (headersSize !== undefined) {
      listener.set("websockets_headers_size", headersSize.value, headersSize.place);
    }
  }
  finishHttp(draft, report, warn);
}

/** A listener for Mosquitto's HTTP API is where Midge's own web server goes. */
function finishHttp(draft: ConfigDraft, report: Report, warn: Report): void {
  const { http } = draft.single;
  const servers = draft.listeners.filter(({ values }) => values.protocol === "http_api");
  for (const server of servers) {
    draft.listeners.splice(draft.listeners.indexOf(server), 1);
    const place = server.placeOf("protocol");
    if (server.has("http_dir")) {
      warn(server.placeOf("http_dir"), "has no effect: Midge serves its own dashboard here");
    }
    if (http.has("port")) {
      report(place, "Midge has one web server only, and it has a listener already");
    } else if (server.has("path")) {
      report(place, "Midge's web server needs a port, not a Unix socket");
    } else if (server.has("certfile")) {
      report(place, "Midge's web server does not speak TLS: put a proxy in front of it");
    } else {
      http.set("port", server.values.port, server.placeOf("port"));
      http.set("address", server.values.address, server.placeOf("address"));
    }
  }
}
