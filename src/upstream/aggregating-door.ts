/**
 * The door to another broker over a single connection that all nodes share: the aggregating mode. The
 * sessions of nodes are kept behind an inner door, and so is what waits for the upstream broker.
 */
import type { PublishPacket } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import { Handover } from "../mqtt-client/handover.ts";
import type { MqttClient, MqttClientOptions } from "../mqtt-client/mqtt-client.ts";
import { publishFault } from "../mqtt-client/server-limits.ts";
import type { DirectedDoor, Recipient } from "../seams/directed-door.ts";
import type { Client, Door, Entry, Opening, Peer, PublishOutcome, Will } from "../seams/door.ts";
import { Message } from "../seams/message.ts";
import { AggregatedClient, type Aggregator } from "./aggregated-client.ts";
import { MergedSubscriptions } from "./merged-subscriptions.ts";
import type { UpstreamParts } from "./options.ts";
import { Reachability } from "./reachability.ts";
import { UpstreamConnection, type UpstreamOwner } from "./upstream-connection.ts";
import { UpstreamOutlet } from "./upstream-outlet.ts";

export interface AggregatingDoorParts extends UpstreamParts {
  /** Of the gateway itself at the upstream broker, and of the session in which messages wait for it. */
  readonly clientId: string;
  /** Keeps the sessions. */
  readonly inner: DirectedDoor;
  /** Where reports on nodes go. */
  readonly announce: Door["announce"];
  /** Told whether the upstream broker can be reached, whenever that is known anew. */
  readonly serving: (serving: boolean) => void;
}

interface Source {
  readonly client: AggregatedClient;
  readonly packetId: number;
}

const FOR_GOOD = 0xffffffff;
/** Messages that wait for the upstream broker; more are congestion. */
const MOST_WAITING = 500;

export class AggregatingDoor implements Door {
  readonly #parts: AggregatingDoorParts;
  readonly #merged: MergedSubscriptions;
  readonly #connection: UpstreamConnection;
  readonly #handover: Handover;
  readonly #outlet: UpstreamOutlet;
  readonly #aggregator: Aggregator;
  readonly #peer: Peer;
  /** Of messages that are on their way. */
  readonly #sources = new WeakMap<Message, Source>();
  readonly #toUpstream: { readonly clientId: string };
  #admissions: ((refusal: ReasonCode | undefined) => void)[] = [];
  #session: Client | undefined;

  constructor(parts: AggregatingDoorParts) {
    const { scheduler, random, log, options, clientId } = parts;
    this.#parts = parts;
    this.#toUpstream = { clientId };
    this.#merged = new MergedSubscriptions(scheduler, random, log);
    this.#connection = new UpstreamConnection(
      parts,
      this.#owner(),
      new Reachability(options.name, log),
    );
    this.#handover = new Handover(() => {
      // There is no room: the upstream broker is to keep it and send it again later.
      this.#connection.client?.abort("no more messages can be taken now");
      return false;
    });
    this.#outlet = new UpstreamOutlet({
      isTaken: (packetId) => this.#merged.isTaken(packetId),
      refused: (message, reason) => this.#refused(message, reason),
    });
    this.#aggregator = {
      whenUp: (answer) => this.#whenUp(answer),
      publish: (client, message, packetId, dup) => this.#publish(client, message, packetId, dup),
      publishWill: (will) => this.#publishWill(will),
      ask: (id, filter, qos, answer) => this.#merged.ask(id, filter, qos, answer),
      unsubscribe: (id, filter) => void this.#merged.remove(id, filter),
      gone: (client) => {
        if (client.isTransient) this.#merged.forget(client.clientId);
      },
    };
    this.#peer = {
      deliver: (message, qos, retain, dup, packetId) =>
        this.#outlet.deliver(message, qos, retain, dup, packetId),
      release: (packetId) => this.#outlet.release(packetId),
      published: (packetId) => this.#handover.published(packetId),
      completed: (packetId) => this.#handover.completed(packetId),
      evicted: () => {},
    };
  }

  /** Connects. The inner door has taken back its sessions, and nobody has entered yet. */
  start(): void {
    const { inner, clientId, options } = this.#parts;
    for (const { clientId: node, filter, qos } of inner.subscriptions()) {
      if (node !== clientId) this.#merged.restore(node, filter, qos);
    }
    const entry = inner.enter(
      {
        clientId,
        cleanStart: false,
        persistent: true,
        origin: "bridge",
        remote: options.name,
        receiveMaximum: options.maxInflight,
        queueQos0: false,
      },
      this.#peer,
    );
    if (entry.ok) this.#session = entry.client;
    this.#connection.start();
  }

  /** Leaves the upstream broker in order; what waits for it goes on waiting. */
  stop(): void {
    this.#connection.stop((client) => client.disconnect());
    this.#closed();
    this.#session?.leave("normal");
    this.#session = undefined;
  }

  enter(opening: Opening, peer: Peer): Entry {
    const { inner, clientId } = this.#parts;
    if (opening.clientId === clientId) {
      return { ok: false, reason: Reason.clientIdentifierNotValid };
    }
    if (opening.cleanStart) this.#merged.forget(opening.clientId);
    const client = new AggregatedClient(this.#aggregator, opening, peer);
    return client.enter((given, asPeer) => inner.enter(given, asPeer));
  }

  forget(clientId: string): void {
    if (clientId === this.#parts.clientId) return;
    this.#merged.forget(clientId);
    this.#parts.inner.forget(clientId);
  }

  announce(topic: string, payload: Uint8Array, retain: boolean): void {
    this.#parts.announce(topic, payload, retain);
  }

  #whenUp(answer: (refusal: ReasonCode | undefined) => void): void {
    const { state } = this.#connection;
    if (state === "up") answer(undefined);
    else if (state === "trying") this.#admissions.push(answer);
    else answer(Reason.serverUnavailable);
  }

  #publish(
    client: AggregatedClient,
    message: Message,
    packetId: number,
    dup: boolean,
  ): PublishOutcome {
    const { inner } = this.#parts;
    const { qos, retain } = message;
    const from = client.session;
    if (from === undefined) return Reason.notAuthorized;
    // What was taken before has to be answered the same again.
    if (qos < 2 || !inner.isUnreleased(client.clientId, packetId)) {
      const refusal = this.#refusal(message);
      if (refusal !== undefined) return refusal;
      if (qos > 0) this.#sources.set(message, { client, packetId });
    }
    const to = [this.#recipient(qos, retain)];
    return inner.publishTo(from, client.peer, message, packetId, dup, to);
  }

  /** Why a message cannot be taken now, or at all by this upstream broker. */
  #refusal({ qos, retain }: Message): ReasonCode | undefined {
    const remote = this.#connection.client;
    if (remote === undefined) return Reason.serverUnavailable;
    if ((this.#session?.backlog ?? 0) >= MOST_WAITING) return Reason.serverBusy;
    return publishFault(remote.limits, qos, retain, undefined);
  }

  /** Waits for the upstream broker if that is away: nobody is there to publish it again. */
  #publishWill({ topic, payload, qos, retain }: Will): void {
    const message = new Message(topic, payload, qos, retain);
    this.#parts.inner.hand(message, [this.#recipient(qos, retain)]);
  }

  #recipient(qos: QoS, retain: boolean): Recipient {
    return { ...this.#toUpstream, qos, retain };
  }

  /** The upstream broker does not want a message. */
  #refused(message: Message, reason: ReasonCode): void {
    const source = this.#sources.get(message);
    if (source?.client.refuse(source.packetId, reason) === true) return;
    const who = source === undefined ? "a node" : JSON.stringify(source.client.clientId);
    const text = `0x${reason.toString(16)}`;
    this.#parts.log.notice(`upstream refuses a message of ${who} on ${message.topic} (${text})`);
  }

  #owner(): UpstreamOwner {
    return {
      clientId: this.#parts.clientId,
      connectOptions: () => this.#connectOptions(),
      connected: (client, sessionPresent) => this.#connected(client, sessionPresent),
      failed: () => this.#failed(),
      message: (packet) => this.#message(packet),
      released: (packetId) => this.#handover.released(packetId),
      received: (packetId) => this.#outlet.received(packetId),
      acknowledged: (packetId, answer) => this.#outlet.acknowledged(packetId, answer),
      subscribed: (packetId, codes) => {
        this.#merged.subscribed(packetId, codes);
        this.#outlet.retry();
      },
      unsubscribed: (packetId) => {
        this.#merged.unsubscribed(packetId);
        this.#outlet.retry();
      },
      drained: () => this.#outlet.drained(),
    };
  }

  #connectOptions(): MqttClientOptions {
    const { clientId, options } = this.#parts;
    const { level, keepAlive, maximumPacketSize, login } = options;
    return {
      level,
      clientId,
      keepAlive,
      maximumPacketSize,
      cleanSession: false,
      properties: { sessionExpiryInterval: FOR_GOOD },
      ...login(clientId, ""),
    };
  }

  #connected(client: MqttClient, sessionPresent: boolean): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#handover.open(client, session, sessionPresent);
    // First, so that the identifiers of what is in flight are known when others are chosen.
    this.#outlet.open(client, session);
    const { level } = this.#parts.options;
    const identifiers = level === 5 && client.limits.subscriptionIdentifierAvailable;
    this.#merged.open(client, sessionPresent, identifiers);
    this.#admit(undefined);
    this.#parts.serving(true);
  }

  #failed(): void {
    this.#closed();
    this.#admit(Reason.serverUnavailable);
    this.#parts.serving(false);
  }

  #closed(): void {
    this.#handover.close();
    this.#outlet.close();
    this.#merged.close();
  }

  #admit(refusal: ReasonCode | undefined): void {
    const admissions = this.#admissions;
    this.#admissions = [];
    for (const answer of admissions) answer(refusal);
  }

  #message(packet: PublishPacket): void {
    const session = this.#session;
    if (session === undefined || this.#handover.isRepeated(packet)) return;
    const recipients = this.#merged.recipients(packet);
    if (recipients.length === 0) {
      this.#handover.pass(packet);
      return;
    }
    const { topic, payload, qos, retain, dup } = packet;
    const message = new Message(topic, payload, qos, retain, true);
    this.#handover.take(packet, topic, (packetId) =>
      this.#parts.inner.publishTo(session, this.#peer, message, packetId, dup, recipients),
    );
  }
}
