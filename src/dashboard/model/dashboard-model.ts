/** All that the page knows, fed by the messages that it receives. */
import { BrokerStore } from "./broker-store.ts";
import { NodeStore } from "./node-store.ts";
import { ValueStore } from "./value-store.ts";

const NODES = "$SYS/gateway/nodes/";
const BROKER = "$SYS/broker/";

/** What the page subscribes to. `#` does not match topics that begin with `$` [MQTT-4.7.2-1]. */
export const SUBSCRIPTIONS: readonly string[] = [`${NODES}+`, `${BROKER}#`, "#"];

/** The part of the page that a message changes. */
export type Area = "nodes" | "broker" | "values";

export class DashboardModel {
  readonly values = new ValueStore();
  readonly nodes = new NodeStore();
  readonly broker = new BrokerStore();

  /** Takes a message in; `now` is a monotonic clock, ms. Answers what it may have changed, if anything. */
  receive(topic: string, payload: Uint8Array, retain: boolean, now: number): Area | undefined {
    if (topic.startsWith(NODES)) {
      this.nodes.receive(topic.slice(NODES.length), payload);
      return "nodes";
    }
    if (topic.startsWith(BROKER)) {
      const shown = this.broker.receive(topic.slice(BROKER.length), payload, retain, now);
      return shown ? "broker" : undefined;
    }
    this.values.receive(topic, payload, retain, now);
    return "values";
  }

  /** A new connection begins: everything retained is told again. */
  beginRound(): void {
    this.nodes.beginRound();
    this.broker.beginRound();
  }

  /** Everything retained has been told: what was not is gone. */
  endRound(): void {
    this.nodes.endRound();
    this.broker.endRound();
  }
}
