/** The messages of QoS 1 and 2 on their way to one client, by their packet identifiers. */
import type { Message } from "../seams/message.ts";
import type { Delivery } from "./delivery.ts";
import { Queue } from "./queue.ts";

const SMALLEST = 8;
/** As many as there are packet identifiers, and none. */
const LARGEST = 65_536;

export class InflightWindow {
  /**
   * By packet identifier, modulo their number, a power of two: identifiers follow each other, so a few
   * places do. A map would be remade every few messages, and the old ones keep each other, and what
   * they held, from the garbage collector's quick pass.
   */
  #slots: (Delivery | undefined)[] = new Array(SMALLEST).fill(undefined);
  #size = 0;
  #sizeQos2 = 0;
  /** To be sent: for the first time, since their identifiers are durable, or again. */
  #due: Queue<Delivery> | undefined;
  #unsent = 0;
  #bytes = 0;

  get size(): number {
    return this.#size;
  }

  /** Those of QoS 2. */
  get sizeQos2(): number {
    return this.#sizeQos2;
  }

  /** Payload bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Deliveries that are held or due; QoS 1 waits behind them, so that the order stays. */
  get unsent(): number {
    return this.#unsent;
  }

  get(packetId: number): Delivery | undefined {
    const delivery = this.#slots[packetId & (this.#slots.length - 1)];
    return delivery?.packetId === packetId ? delivery : undefined;
  }

  /** In the order in which they were sent. */
  inOrder(): readonly Delivery[] {
    const all = this.#slots.filter((delivery) => delivery !== undefined);
    return all.sort((one, other) => one.sequence - other.sequence);
  }

  /** Whether one more message may be on its way. `maximumBytes`: 0 is no limit. */
  hasRoom(message: Message, receiveMaximum: number, maximumBytes: number): boolean {
    const size = this.#size;
    if (size >= receiveMaximum) return false;
    return maximumBytes === 0 || size === 0 || this.#bytes + message.payload.length <= maximumBytes;
  }

  /**
   * The first identifier from `packetId` on that is free and has a free place: one that is never
   * acknowledged is passed by. The window is smaller than the space of identifiers.
   */
  freeId(packetId: number): number {
    if (this.#size * 2 > this.#slots.length) this.#grow();
    let free = packetId;
    while (this.#slots[free & (this.#slots.length - 1)] !== undefined) free = nextId(free);
    return free;
  }

  /** Takes in a delivery under its packet identifier; it takes the place of one of the same. */
  add(delivery: Delivery): void {
    const { packetId, size } = delivery;
    this.remove(packetId);
    while (this.#slots[packetId & (this.#slots.length - 1)] !== undefined) this.#grow();
    this.#slots[packetId & (this.#slots.length - 1)] = delivery;
    this.#size++;
    if (delivery.qos === 2) this.#sizeQos2++;
    this.#bytes += size;
  }

  /** Takes out a delivery that has come to its end. */
  remove(packetId: number): Delivery | undefined {
    const delivery = this.get(packetId);
    if (delivery === undefined) return undefined;
    this.#slots[packetId & (this.#slots.length - 1)] = undefined;
    this.#size--;
    if (delivery.qos === 2) this.#sizeQos2--;
    this.#bytes -= delivery.size;
    if (delivery.state === "held" || delivery.state === "due") this.#unsent--;
    return delivery;
  }

  /** The identifier of this delivery is not durable yet. */
  hold(delivery: Delivery): void {
    delivery.state = "held";
    this.#unsent++;
  }

  /** It is durable now: the delivery may be sent. */
  makeDue(delivery: Delivery): void {
    delivery.state = "due";
    this.#due ??= new Queue();
    this.#due.push(delivery);
  }

  /** The delivery goes out now, or need not go out again. */
  markSent(delivery: Delivery): void {
    if (delivery.state === "due") this.#unsent--;
    delivery.state = "sent";
  }

  /** Everything that is unacknowledged is to be sent again [MQTT-4.4.0-1]. */
  makeAllDue(): void {
    if (this.#size === 0) return;
    const due = new Queue<Delivery>();
    this.#due = due;
    for (const delivery of this.inOrder()) {
      if (delivery.state === "sent") {
        delivery.state = "due";
        delivery.again = true;
        this.#unsent++;
      }
      if (delivery.state === "due" || delivery.state === "released") due.push(delivery);
    }
  }

  /** Takes the next one of those that are to be sent; "none" if all have to wait. */
  nextDue(receiveMaximum: number): Delivery | "none" | undefined {
    const due = this.#due;
    if (due === undefined) return undefined;
    // A client that has come back may take fewer at a time than before [MQTT-3.3.4-9], but PUBREL
    // does not wait for that [MQTT-3.3.4-10].
    const free = this.#size - this.#unsent < receiveMaximum;
    if (due.peek()?.state === "due" && !free) {
      return due.takeFirst(({ state }) => state === "released") ?? "none";
    }
    const next = due.shift();
    if (due.length === 0) this.#due = undefined;
    return next;
  }

  /** Twice as many places, where what has a place of its own now has one of its own again. */
  #grow(): void {
    const { length } = this.#slots;
    if (length === LARGEST) return;
    const slots = new Array<Delivery | undefined>(length * 2).fill(undefined);
    for (const delivery of this.#slots) {
      if (delivery !== undefined) slots[delivery.packetId & (length * 2 - 1)] = delivery;
    }
    this.#slots = slots;
  }
}

/** The packet identifier after this one [MQTT-2.2.1-3]. */
export function nextId(packetId: number): number {
  return packetId === 65535 ? 1 : packetId + 1;
}
