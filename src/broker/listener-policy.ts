/** What a listener decides for the connections that come in by it. */
import type { ProtocolLevel } from "../mqtt/packet-types.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Origin } from "../seams/door.ts";

export interface ListenerPolicy {
  /** Its name in the configuration, for access rules. */
  readonly name: string;
  /** For logs: "port 1883". */
  readonly label: string;
  readonly origin: Origin;
  /** Whether clients may connect without a user name that is known, where no access rules decide. */
  readonly allowAnonymous: boolean;
  /** Protocol levels served; undefined is all. */
  readonly levels?: readonly ProtocolLevel[] | undefined;
  readonly maxQos?: QoS | undefined;
  /** Clients connected through it at a time; undefined is no limit. */
  readonly maxConnections?: number | undefined;
  /** Seconds; undefined is the broker's. */
  readonly maxKeepAlive?: number | undefined;
  /** Topic aliases that a client may use; undefined is the broker's. */
  readonly maxTopicAlias?: number | undefined;
  /** Topic aliases used towards a client that allows them; undefined is the broker's. */
  readonly maxTopicAliasBroker?: number | undefined;
  /** Put before every topic of these clients, and taken off what they receive; "" is nothing. */
  readonly mountPoint?: string | undefined;
  /** The user name is the client identifier. */
  readonly usernameAsClientId?: boolean | undefined;
  /** Client identifiers must begin with one of these; none or undefined is any. */
  readonly clientIdPrefixes?: readonly string[] | undefined;
  /** Refuse clients that give no identifier. */
  readonly refuseEmptyClientId?: boolean | undefined;
  /** What identifiers that the broker makes up begin with; undefined is "auto-". */
  readonly autoIdPrefix?: string | undefined;
}
