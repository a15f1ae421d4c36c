/** A bridge between a broker on a virtual clock and a remote broker that answers by script. */
import { Bridge, type BridgeParts } from "../../src/bridge/bridge.ts";
import {
  bridgeOptions,
  type GivenBridgeOptions,
  type TopicRule,
} from "../../src/bridge/options.ts";
import type { Properties } from "../../src/mqtt/properties.ts";
import { MemoryDialler } from "./memory-dialler.ts";
import type { ServerEnd } from "./server-end.ts";
import { TestBroker } from "./test-broker.ts";

export interface TestBridgeSettings {
  readonly options?: Partial<GivenBridgeOptions>;
  readonly topics?: readonly TopicRule[];
  readonly here?: TestBroker;
  /** Commit whatever waits here as soon as the remote broker has spoken. On by default. */
  readonly autoCommit?: boolean;
  readonly login?: BridgeParts["login"];
}

export function topic(
  pattern: string,
  direction: TopicRule["direction"],
  qos: TopicRule["qos"] = 0,
  localPrefix = "",
  remotePrefix = "",
): TopicRule {
  return { pattern, direction, qos, localPrefix, remotePrefix };
}

export class TestBridge {
  readonly here: TestBroker;
  readonly dialler = new MemoryDialler();
  readonly bridge: Bridge;

  constructor(settings: TestBridgeSettings = {}) {
    this.here = settings.here ?? new TestBroker();
    const { clock, broker, log, disk } = this.here;
    if (settings.options?.protocol === "mqttv50") this.dialler.serverLevel = 5;
    if (settings.autoCommit ?? true) {
      this.dialler.afterwards = () => {
        while (disk.awaited) disk.commit();
      };
    }
    this.bridge = new Bridge({
      door: broker,
      dialler: this.dialler,
      clock,
      scheduler: clock.scheduler,
      random: () => 0,
      log,
      brokerId: "here",
      heldFilters: (clientId) => broker.sessions.get(clientId)?.subscriptions.keys() ?? [],
      login: settings.login,
      options: bridgeOptions({
        name: "cloud",
        addresses: [{ host: "remote", port: 1883 }],
        topics: settings.topics ?? [],
        remoteClientId: "box.cloud",
        notifications: false,
        attemptUnsubscribe: false,
        ...settings.options,
      }),
    });
  }

  /** The next attempt to connect succeeds, up to CONNACK. Its CONNECT has been taken. */
  accept(sessionPresent = false, properties?: Properties): ServerEnd {
    const remote = this.dialler.accept();
    remote.take();
    remote.connack(sessionPresent, 0, properties);
    return remote;
  }

  /** The same, and all that the bridge asks first is granted. */
  open(sessionPresent = false, properties?: Properties): ServerEnd {
    const remote = this.accept(sessionPresent, properties);
    remote.answer();
    return remote;
  }

  /** Starts the bridge and connects it. */
  start(properties?: Properties): ServerEnd {
    this.bridge.start();
    return this.open(false, properties);
  }

  /** Lets the wait after a failure pass. */
  wait(): void {
    this.here.clock.advance(30_000);
  }

  /** Log lines about the bridge, without what is below info. */
  get log(): string[] {
    return this.here.log.lines.filter((line) => / cloud: /.test(line) && !line.startsWith("debug"));
  }
}
