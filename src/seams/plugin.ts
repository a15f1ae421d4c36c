/**
 * The plugin door: what a module of your own may decide, see and change. This file is all there is to
 * know for whoever writes a plugin, and depends on nothing else, so that it may be copied.
 *
 * A plugin is an ECMAScript module that the configuration names:
 *
 *     [[plugin]]
 *     module = "./door.mjs"      # seen from the folder of the configuration file
 *     options = { building = "east" }
 *
 * and whose default export makes it, at once or by a promise:
 *
 *     export default function create({ options, log, publish }) {
 *       return {
 *         authenticate: ({ username }) => (username === "ada" ? "allow" : "defer"),
 *       };
 *     }
 *
 * Every member of a plugin may be left out, and what is left out costs nothing. Whatever a plugin
 * throws, and every promise of its own that is rejected, is logged with its name. Where something was
 * to be decided it counts as a no (a client that wanted in is told that the server is busy), elsewhere
 * as if nothing was said. What a plugin is given is to be read, not to be written to.
 */

/** Makes a plugin, once, before any client is let in. If it fails, Midge does not start. */
export type CreatePlugin = (context: PluginContext) => Plugin | Promise<Plugin>;

/** What a plugin has from Midge, for as long as it lives. */
export interface PluginContext {
  /** What the configuration calls this plugin. */
  readonly name: string;
  /** The `options` of the configuration. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** Writes lines into Midge's log, with the plugin's name before them. */
  readonly log: PluginLog;
  /**
   * Publishes a message in the broker's own name, as soon as the work at hand is done. No access rule
   * holds it up, and no plugin's `onPublish` sees it. Throws if `topic` is no topic name.
   */
  publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): void;
  /** Those who are connected. */
  readonly clients: PluginClients;
  /** Says that `authorize` decides otherwise than before: what waits for clients is judged anew. */
  rightsChanged(): void;
}

export interface PluginLog {
  debug(text: string): void;
  info(text: string): void;
  notice(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

export interface PublishOptions {
  /** 0 if left out. */
  readonly qos?: 0 | 1 | 2 | undefined;
  readonly retain?: boolean | undefined;
}

export interface PluginClients {
  /** Everyone who is connected now: MQTT clients, MQTT-SN nodes and bridges. */
  list(): readonly PluginClient[];
  /** The one of this client identifier, if connected. */
  get(clientId: string): PluginClient | undefined;
  /** Closes a client's connection, as soon as the work at hand is done: reason code 0x98, administrative action. */
  disconnect(clientId: string): void;
}

export interface PluginClient {
  readonly clientId: string;
  /** The name that it came in under; undefined if anonymous. */
  readonly username: string | undefined;
  /** By what way it came in. */
  readonly origin: "mqtt" | "websocket" | "mqtt-sn" | "bridge";
  /** Where from: an address and port, a link and node address, an upstream broker. */
  readonly remote: string;
}

/** "defer" leaves it to whoever is asked next; if all do, the answer is no. */
export type Verdict = "allow" | "deny" | "defer";

/**
 * The client is to come in elsewhere. One of MQTT 5.0 is told where (reason code 0x9C), an older one
 * that the server is unavailable.
 */
export interface Redirection {
  /** "host", "host:port" or "[IPv6 address]:port"; several are separated by one space. */
  readonly useServer: string;
}

export interface Plugin {
  /**
   * Whether a client may come in. Asked after password file and dynamic security where a listener has
   * these, unless they have decided; of clients without a user name, too, and if it defers to all
   * others then, `allow_anonymous` decides. Not asked where the name was proved by a certificate, a
   * pre-shared key, or a method of enhanced authentication. MQTT-SN nodes have no password, and their
   * name is made by a rule of the configuration: if all defer, they come in. A promise has 5 seconds; then it counts
   * as rejected.
   */
  authenticate?(
    credentials: PluginCredentials,
  ): Verdict | Redirection | Promise<Verdict | Redirection>;
  /**
   * Whether a client may do something. Asked for every message, before it is taken in ("publish") and
   * for each client that it would go to ("receive"), so it must answer at once: no promises here. It is
   * asked "publish" again before a retained message is delivered, of whoever published it, who may be
   * gone long since: with `check_retain_source` a no keeps the message back.
   */
  authorize?(request: AuthorizationRequest): Verdict;
  /** A client has come in. */
  onConnect?(client: PluginClient): void | Promise<void>;
  /**
   * A client has gone: "normal" after DISCONNECT, "with-will" after a DISCONNECT that asks for the
   * will to be published, "lost" otherwise.
   */
  onDisconnect?(client: PluginClient, how: "normal" | "with-will" | "lost"): void | Promise<void>;
  /**
   * A message that is allowed is about to be kept and handed on; wills are too, requests to `$CONTROL/`
   * are not. Answer nothing to let it pass, a change of it, or "drop": then nobody gets it, while its
   * publisher is acknowledged as ever. Must answer at once. With several plugins each sees what those
   * before it have made of the message.
   */
  onPublish?(message: PluginMessage): MessageChange | "drop" | undefined;
  /** A client has subscribed. */
  onSubscribe?(subscription: PluginSubscription): void | Promise<void>;
  /** A client has unsubscribed. */
  onUnsubscribe?(subscription: PluginSubscription): void | Promise<void>;
  /** Methods of enhanced authentication (MQTT 5.0 §4.12), one or several. */
  readonly extendedAuthentication?:
    | AuthenticationMethod
    | readonly AuthenticationMethod[]
    | undefined;
  /** Midge stops. A promise has one second. */
  stop?(): void | Promise<void>;
}

export interface PluginCredentials {
  readonly clientId: string;
  readonly username: string | undefined;
  /** As bytes, since MQTT sets no encoding: `new TextDecoder().decode(password)` for text. */
  readonly password: Uint8Array | undefined;
  /** IP address without a port, or what else tells one peer from another. */
  readonly address: string;
  /** The listener's or link's name in the configuration. */
  readonly listener: string;
  readonly origin: PluginClient["origin"];
}

interface Asker {
  readonly clientId: string;
  readonly username: string | undefined;
}

export type AuthorizationRequest =
  | (Asker & {
      readonly action: "publish";
      /** With the listener's mount point before it, as everywhere in a plugin. */
      readonly topic: string;
      /** Good until the answer only: to keep it, copy it. */
      readonly payload: Uint8Array;
      readonly qos: 0 | 1 | 2;
      readonly retain: boolean;
    })
  | (Asker & { readonly action: "receive"; readonly topic: string })
  | (Asker & {
      readonly action: "subscribe";
      /** A topic filter, without `$share/GROUP/`. */
      readonly topic: string;
      readonly qos: 0 | 1 | 2;
    })
  | (Asker & { readonly action: "unsubscribe"; readonly topic: string });

export interface PluginMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly properties: MessageProperties;
  readonly publisher: { readonly clientId: string; readonly username: string | undefined };
  /** It is published on behalf of a client that is gone. */
  readonly will: boolean;
}

/** Properties of MQTT 5.0 that go with a message. */
export interface MessageProperties {
  /** 1: the payload is text in UTF-8. */
  readonly payloadFormatIndicator?: number | undefined;
  readonly contentType?: string | undefined;
  readonly responseTopic?: string | undefined;
  readonly correlationData?: Uint8Array | undefined;
  readonly userProperties?: readonly (readonly [name: string, value: string])[] | undefined;
}

/** What is left out stays as it is. QoS is between publisher and broker, and cannot be changed. */
export interface MessageChange {
  readonly topic?: string | undefined;
  readonly payload?: string | Uint8Array | undefined;
  readonly retain?: boolean | undefined;
  /** Replaces all properties. */
  readonly properties?: MessageProperties | undefined;
}

export interface PluginSubscription {
  readonly client: { readonly clientId: string; readonly username: string | undefined };
  /** The topic filter, with `$share/GROUP/` if it is shared. */
  readonly filter: string;
  /** The QoS granted; undefined on unsubscribing. */
  readonly qos: 0 | 1 | 2 | undefined;
}

/** A method of enhanced authentication. */
export interface AuthenticationMethod {
  /** The Authentication Method of CONNECT, exactly. SCRAM-SHA-256 is built in already. */
  readonly method: string;
  /** A client wants in, or proves anew who it is on its live connection. */
  begin(credentials: PluginCredentials): AuthenticationExchange;
}

export interface AuthenticationExchange {
  /**
   * What the client has sent: the Authentication Data of CONNECT first, then that of each AUTH. Not
   * called again before the last answer. A promise has 5 seconds; then it counts as rejected.
   */
  next(data: Uint8Array | undefined): AuthenticationStep | Promise<AuthenticationStep>;
  /** The client is gone, or was refused for another reason, before the end. */
  abandoned?(): void;
}

export type AuthenticationStep =
  /** Asks the client for more. */
  | { readonly answer: "continue"; readonly data?: Uint8Array | undefined }
  /** The client is `username`; what that may do is decided as for everyone. */
  | {
      readonly answer: "allow";
      /** The user name of CONNECT if left out. */
      readonly username?: string | undefined;
      /** Goes to the client with the good news. */
      readonly data?: Uint8Array | undefined;
    }
  | { readonly answer: "deny" };
