/** A node on a virtual clock, whose frames are collected and whose gateway is the test itself. */
import assert from "node:assert/strict";
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";
import { decodeMessage } from "../../../src/mqttsn/decode.ts";
import { encodeMessage } from "../../../src/mqttsn/encode.ts";
import type { Publish, SnMessage } from "../../../src/mqttsn/packets.ts";
import type { Outcome } from "../../../src/mqttsn-client/outcome.ts";
import type { Received } from "../../../src/mqttsn-client/receiver.ts";
import { type NodeState, SnClient } from "../../../src/mqttsn-client/sn-client.ts";
import type { SnMessageOf } from "../../kit/fake-sn-gateway.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

export class Bench {
  readonly clock = new VirtualClock();
  readonly client: SnClient;
  readonly received: { topic: Received["topic"]; text: string; qos: number; retain: boolean }[] =
    [];
  readonly lost: string[] = [];
  readonly states: NodeState[] = [];
  readonly gateways: number[] = [];
  #sent: SnMessage[] = [];

  constructor(random = 0) {
    this.client = new SnClient({
      clock: this.clock,
      scheduler: this.clock.scheduler,
      random: () => random,
      clientId: "node",
      send: (frame) => {
        const message = decodeMessage(frame);
        assert.notEqual(message.kind, "fault");
        this.#sent.push(message as SnMessage);
      },
      listener: {
        message: ({ topic, payload, qos, retain }) => {
          this.received.push({ topic, text: new TextDecoder().decode(payload), qos, retain });
        },
        disconnected: (cause) => this.lost.push(cause),
        gatewayFound: (gatewayId) => this.gateways.push(gatewayId),
        stateChanged: (state) => this.states.push(state),
      },
    });
  }

  /** What was sent since the last call. */
  sent(): SnMessage[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** What was sent since the last call, which must be one message of this kind. */
  one<const K extends SnMessage["kind"]>(kind: K): SnMessageOf<K> {
    const sent = this.sent();
    assert.deepEqual(
      sent.map((message) => message.kind),
      [kind],
    );
    return sent[0] as SnMessageOf<K>;
  }

  gateway(message: SnMessage): void {
    const writer = new ByteWriter();
    encodeMessage(writer, message);
    this.client.receive(writer.view());
  }

  /** Connected, with nothing left in `sent`. */
  connected(cleanSession = true, duration = 0): this {
    this.client.connect({ cleanSession, duration });
    this.gateway({ kind: "connack", returnCode: 0 });
    this.sent();
    return this;
  }

  /** Connected and asleep. */
  asleep(): this {
    this.connected(false);
    this.client.sleep(600);
    this.gateway({ kind: "disconnect", duration: undefined });
    this.sent();
    return this;
  }
}

/** A list of outcomes, with the callback that fills it. */
export function outcomes(): { list: Outcome[]; done: (outcome: Outcome) => void } {
  const list: Outcome[] = [];
  return { list, done: (outcome) => list.push(outcome) };
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function publish(fields: Partial<Publish>): Publish {
  return {
    kind: "publish",
    dup: false,
    qos: 0,
    retain: false,
    topicIdType: "normal",
    topicId: 5,
    messageId: 0,
    payload: text("x"),
    ...fields,
  };
}
