/**
 * A node's side of MQTT-SN 1.2: connects, publishes, subscribes, sleeps and wakes, one exchange
 * with the gateway at a time. It does no I/O and reads no clock of its own.
 */
import { ByteWriter } from "../bytes/byte-writer.ts";
import { decodeMessage } from "../mqttsn/decode.ts";
import { encodeMessage } from "../mqttsn/encode.ts";
import {
  ReturnCode,
  type SnMessage,
  type SnQoS,
  type TopicAck,
  type TopicReference,
} from "../mqttsn/packets.ts";
import { shortTopicId } from "../mqttsn/short-topic.ts";
import type { Clock, Random } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { ConnectExchange, type ConnectOptions } from "./connect-exchange.ts";
import type { Exchange } from "./exchange.ts";
import { ExchangeQueue } from "./exchange-queue.ts";
import { GatewaySearch } from "./gateway-search.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { Done, Outcome } from "./outcome.ts";
import { PlainExchange } from "./plain-exchange.ts";
import { type Publication, PublishExchange, publishMessage } from "./publish-exchange.ts";
import { type Received, Receiver } from "./receiver.ts";
import {
  RegisterExchange,
  type Registered,
  type Subscribed,
  SubscribeExchange,
  UnsubscribeExchange,
} from "./topic-exchanges.ts";
import { TopicIds } from "./topic-ids.ts";

/** The states of §6.14 as the node sees them, with the handshakes between. */
export type NodeState =
  | "disconnected"
  | "connecting"
  | "active"
  | "disconnecting"
  | "asleep"
  | "awake";

export interface SnListener {
  message(received: Received): void;
  /** True to leave a PUBLISH unanswered, so that the gateway keeps it. */
  declines?(): boolean;
  /** The connection ended unasked: the gateway said DISCONNECT, or answers no more. */
  disconnected(cause: "gateway" | "timeout"): void;
  /** A gateway made itself known; it is where the frame came from unless an address is given. */
  gatewayFound?(gatewayId: number, gatewayAddress: Uint8Array): void;
  stateChanged?(state: NodeState): void;
}

export interface SnClientOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Sends one frame to the gateway; the frame is the receiver's to keep. */
  send(frame: Uint8Array): void;
  /** Sends one frame to whoever is in reach; as `send` where it is not given. */
  readonly broadcast?: ((frame: Uint8Array) => void) | undefined;
  readonly listener: SnListener;
  readonly clientId: string;
  /** T_RETRY, ms: 10 000 unless given. */
  readonly retryInterval?: number | undefined;
  /** N_RETRY: 4 unless given. */
  readonly retryLimit?: number | undefined;
  /** T_WAIT, ms: 300 000 unless given. */
  readonly waitInterval?: number | undefined;
  /** T_SEARCHGW, ms: 5 000 unless given. */
  readonly searchInterval?: number | undefined;
  /** How much may wait behind the exchange under way: 1 000 unless given. */
  readonly queueLimit?: number | undefined;
}

const nobody: Done = () => {};

export class SnClient {
  readonly #clock: Clock;
  readonly #retryInterval: number;
  readonly #send: (frame: Uint8Array) => void;
  readonly #broadcast: (frame: Uint8Array) => void;
  readonly #listener: SnListener;
  readonly #clientId: string;
  readonly #writer = new ByteWriter(64);
  readonly #topicIds = new TopicIds();
  readonly #queue: ExchangeQueue;
  readonly #receiver: Receiver;
  readonly #keepAlive: KeepAlive;
  readonly #search: GatewaySearch;
  #state: NodeState = "disconnected";
  /** The session outlasts the connection (connected without clean session). */
  #kept = false;
  #lastMessageId: number;
  /** When the gateway gave leave to sleep last, monotonic ms. */
  #asleepSince = 0;
  #faults = 0;

  constructor(options: SnClientOptions) {
    const { clock, scheduler, random } = options;
    this.#clock = clock;
    this.#send = (frame) => options.send(frame);
    this.#broadcast = options.broadcast ?? this.#send;
    this.#listener = options.listener;
    this.#clientId = options.clientId;
    // Starting anywhere keeps a restarted node from meeting ids its gateway still holds.
    this.#lastMessageId = Math.floor(random() * 0xffff);
    const transmit = (message: SnMessage) => this.#transmit(message);
    const timing = {
      retryInterval: options.retryInterval ?? 10_000,
      retryLimit: options.retryLimit ?? 4,
      waitInterval: options.waitInterval ?? 300_000,
      queueLimit: options.queueLimit ?? 1000,
    };
    this.#retryInterval = timing.retryInterval;
    this.#queue = new ExchangeQueue(scheduler, timing, transmit, (exchange) =>
      this.#exhausted(exchange),
    );
    this.#receiver = new Receiver(this.#topicIds, transmit, (received) =>
      this.#listener.message(received),
    );
    this.#keepAlive = new KeepAlive(clock, scheduler, () => this.#silent());
    this.#search = new GatewaySearch(
      scheduler,
      random,
      options.searchInterval ?? 5000,
      timing.retryLimit,
      (message) => this.#broadcast(this.#encoded(message)),
    );
  }

  get state(): NodeState {
    return this.#state;
  }

  /** Exchanges under way and in line. */
  get backlog(): number {
    return this.#queue.length;
  }

  /** Received frames that were no MQTT-SN messages. */
  get faults(): number {
    return this.#faults;
  }

  /** Looks for gateways (§6.1); `listener.gatewayFound` tells of each, `done` of the first. */
  search(radius: number, done: Done = nobody): void {
    this.#search.start(radius, done);
  }

  /**
   * Connects, also anew or from sleep (§6.2). Without clean session, QoS 1 and 2 publications that
   * an earlier connection left unfinished go on; all else that waited ends as "disconnected".
   */
  connect(options: ConnectOptions, done: Done = nobody): void {
    this.#kept = !options.cleanSession;
    this.#close();
    this.#setState("connecting");
    const finished = (outcome: Outcome) => {
      if (outcome !== "accepted") {
        this.#setState("disconnected");
        this.#close();
        done(outcome);
        return;
      }
      if (options.cleanSession) {
        this.#topicIds.clear();
        this.#receiver.clear();
      }
      this.#setState("active");
      this.#keepAlive.start(options.duration);
      this.#queue.setOpen(true);
      done(outcome);
    };
    this.#queue.start(new ConnectExchange(this.#clientId, options, finished));
  }

  /** Asks for the id of a topic name ahead of publishing on it (§6.5). */
  register(name: string, done: Registered = nobody): void {
    this.#add(new RegisterExchange(name, this.#takeMessageId(), this.#topicIds, done));
  }

  /**
   * Publishes (§6.6), registering the name first where need be. QoS -1 goes out at once, connected
   * or not, on predefined and short topics only (§6.8). The payload must stay as it is until `done`.
   */
  publish(publication: Publication, done: Done = nobody): void {
    if (publication.qos === -1) {
      const named = publication.topic.type === "name";
      const message = named ? undefined : publishMessage(publication, this.#topicIds, 0, false);
      if (message !== undefined) this.#transmit(message);
      done(message === undefined ? "notSupported" : "accepted");
      return;
    }
    const topic = publication.topic;
    if (topic.type === "short" && shortTopicId(topic.name) === undefined) {
      done("invalidTopicId");
      return;
    }
    const takeMessageId = () => this.#takeMessageId();
    this.#add(new PublishExchange(publication, this.#topicIds, takeMessageId, done));
  }

  subscribe(topic: TopicReference, qos: SnQoS, done: Subscribed = nobody): void {
    this.#add(new SubscribeExchange(topic, qos, this.#takeMessageId(), this.#topicIds, done));
  }

  unsubscribe(topic: TopicReference, done: Done = nobody): void {
    this.#add(new UnsubscribeExchange(topic, this.#takeMessageId(), done));
  }

  /** Replaces the will's topic, QoS and RETAIN; undefined deletes the will (§6.4). */
  updateWillTopic(
    topic: string | undefined,
    qos: SnQoS = 0,
    retain = false,
    done: Done = nobody,
  ): void {
    const message: SnMessage = { kind: "willtopicupd", topic, qos, retain };
    this.#add(new PlainExchange(message, "willtopicresp", done));
  }

  updateWillMessage(payload: Uint8Array, done: Done = nobody): void {
    this.#add(new PlainExchange({ kind: "willmsgupd", payload }, "willmsgresp", done));
  }

  /** Asks whether the gateway is there (§6.11). */
  ping(done: Done = nobody): void {
    this.#add(new PlainExchange({ kind: "pingreq", clientId: undefined }, "pingresp", done));
  }

  /** Goes to sleep for at most `duration` seconds, once what waits is done (§6.14). */
  sleep(duration: number, done: Done = nobody): void {
    const finished = (outcome: Outcome) => {
      if (outcome === "accepted") {
        this.#keepAlive.stop();
        this.#asleepSince = this.#clock.now();
        this.#setState("asleep");
      }
      done(outcome);
    };
    this.#add(new PlainExchange({ kind: "disconnect", duration }, "disconnect", finished));
  }

  /**
   * Fetches what the gateway buffered, then sleeps on (§6.14); `done` tells that it sleeps again.
   * On "timeout" it sleeps too, as the gateway may be back the next time.
   */
  wake(done: Done = nobody): void {
    const started = () => {
      if (this.#state === "asleep") this.#setState("awake");
    };
    const finished = (outcome: Outcome) => {
      if (this.#state === "awake") this.#setState("asleep");
      done(outcome);
    };
    const message: SnMessage = { kind: "pingreq", clientId: this.#clientId };
    this.#add(new PlainExchange(message, "pingresp", finished, started));
  }

  /** Ends the connection at once (§6.12); what waits ends, or is kept, as with a lost connection. */
  disconnect(done: Done = nobody): void {
    if (this.#state === "disconnected") {
      done("accepted");
      return;
    }
    this.#close();
    this.#setState("disconnecting");
    const finished = (outcome: Outcome) => {
      this.#setState("disconnected");
      done(outcome);
    };
    const message: SnMessage = { kind: "disconnect", duration: undefined };
    this.#queue.start(new PlainExchange(message, "disconnect", finished));
  }

  /** Takes in a frame; the bytes may be reused after the call. */
  receive(frame: Uint8Array): void {
    const message = decodeMessage(frame);
    if (message.kind === "fault") {
      this.#faults++;
      return;
    }
    if (this.#queue.take(message)) return;
    switch (message.kind) {
      case "advertise":
        this.#found(message.gatewayId, new Uint8Array(0));
        return;
      case "gwinfo":
        this.#found(message.gatewayId, message.gatewayAddress);
        return;
      case "searchgw":
        this.#search.overheard(message.radius);
        return;
      default:
        this.#receiveOther(message);
    }
  }

  #receiveOther(message: SnMessage): void {
    if (message.kind === "disconnect") {
      if (this.#state === "active" || this.#state === "awake") this.#lose("gateway");
      else if (this.#state === "asleep" && this.#queue.busy) this.#refusedAsleep();
      return;
    }
    // A sleeping node's radio is off; what comes while it connects or leaves is another session's.
    if (this.#state === "active" || this.#state === "awake") this.#receiveConnected(message);
  }

  /** What a sleeping node asks is answered by DISCONNECT where it is not known any more. */
  #refusedAsleep(): void {
    // The leave to sleep may come twice, as any datagram may.
    const elapsed = this.#clock.now() - this.#asleepSince;
    if (elapsed >= this.#retryInterval / 2) this.#lose("gateway");
  }

  #receiveConnected(message: SnMessage): void {
    switch (message.kind) {
      case "publish":
        if (this.#listener.declines?.() !== true) this.#receiver.publish(message);
        return;
      case "register":
        this.#receiver.register(message);
        return;
      case "pubrel":
        this.#receiver.release(message);
        return;
      case "pingreq":
        this.#transmit({ kind: "pingresp" });
        return;
      case "puback":
        this.#publishRejected(message);
        return;
      default:
        return;
    }
  }

  /** A PUBACK that no exchange waits for rejects a QoS 0 PUBLISH (§6.6). */
  #publishRejected(message: TopicAck): void {
    if (message.returnCode === ReturnCode.invalidTopicId) this.#topicIds.forget(message.topicId);
    if (message.returnCode === ReturnCode.congestion) this.#queue.pause();
  }

  #found(gatewayId: number, gatewayAddress: Uint8Array): void {
    this.#search.stop("accepted");
    this.#listener.gatewayFound?.(gatewayId, gatewayAddress);
  }

  #add(exchange: Exchange): void {
    const away = this.#state === "disconnected" || this.#state === "disconnecting";
    if (away && !(this.#kept && exchange.durable)) exchange.finish("disconnected");
    else this.#queue.add(exchange);
  }

  #silent(): void {
    if (this.#state !== "active") return;
    // An exchange under way finds out whether the gateway is there; this only shows that we are.
    if (this.#queue.busy) this.#transmit({ kind: "pingreq", clientId: undefined });
    else this.ping();
  }

  #exhausted(exchange: Exchange): void {
    if (this.#state === "active" || this.#state === "asleep") this.#lose("timeout", exchange);
    else exchange.finish("timeout");
  }

  #lose(cause: "gateway" | "timeout", exhausted?: Exchange): void {
    this.#setState("disconnected");
    this.#close(exhausted);
    this.#listener.disconnected(cause);
  }

  #close(exhausted?: Exchange): void {
    this.#keepAlive.stop();
    this.#queue.setOpen(false);
    this.#queue.clear("disconnected", this.#kept, exhausted);
  }

  #setState(state: NodeState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#listener.stateChanged?.(state);
  }

  #takeMessageId(): number {
    this.#lastMessageId = this.#lastMessageId >= 0xffff ? 1 : this.#lastMessageId + 1;
    return this.#lastMessageId;
  }

  #encoded(message: SnMessage): Uint8Array {
    this.#writer.clear();
    encodeMessage(this.#writer, message);
    return this.#writer.copy();
  }

  #transmit(message: SnMessage): void {
    this.#keepAlive.sent();
    this.#send(this.#encoded(message));
  }
}
