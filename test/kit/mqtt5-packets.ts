/** Every packet of MQTT 5.0 with every property it may carry, for fast-check; from the specification's tables. */
import fc from "fast-check";
import { isMqttText } from "../../src/bytes/utf8.ts";
import type {
  AckPacket,
  AuthPacket,
  ConnackPacket,
  ConnectPacket,
  DisconnectPacket,
  Packet,
  PublishPacket,
  SubackPacket,
  SubscribePacket,
  UnsubackPacket,
  UnsubscribePacket,
} from "../../src/mqtt/packets.ts";
import type { Properties } from "../../src/mqtt/properties.ts";
import type { QoS } from "../../src/mqtt/qos.ts";

type Name = keyof Properties;
export type Owner = Packet["kind"] | "will";

/** Objects as literals make them. */
const PLAIN = { noNullPrototype: true } as const;

/** Text that MQTT lets pass, in and beyond ASCII. */
export const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 20 }).filter(isMqttText),
);
export const someText = text.filter((value) => value !== "");
export const bytes = fc.uint8Array({ maxLength: 60 });
export const qos = fc.constantFrom<QoS[]>(0, 1, 2);
export const packetId = fc.integer({ min: 1, max: 65535 });
export const topicName = fc.oneof(fc.constantFrom("a", "a/b", "/", "$x/y"), someText);
const bit = fc.constantFrom(0, 1);
const u16 = fc.nat({ max: 65535 });
const positiveU16 = packetId;
const u32 = fc.nat({ max: 0xffffffff });

const VALUES: { readonly [K in Name]-?: fc.Arbitrary<NonNullable<Properties[K]>> } = {
  payloadFormatIndicator: bit,
  messageExpiryInterval: u32,
  contentType: text,
  responseTopic: topicName,
  correlationData: bytes,
  subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), {
    minLength: 1,
    maxLength: 4,
  }),
  sessionExpiryInterval: u32,
  assignedClientIdentifier: text,
  serverKeepAlive: u16,
  authenticationMethod: text,
  authenticationData: bytes,
  requestProblemInformation: bit,
  willDelayInterval: u32,
  requestResponseInformation: bit,
  responseInformation: text,
  serverReference: text,
  reasonString: text,
  receiveMaximum: positiveU16,
  topicAliasMaximum: u16,
  topicAlias: positiveU16,
  maximumQos: bit,
  retainAvailable: bit,
  userProperties: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 }),
  maximumPacketSize: fc.integer({ min: 1, max: 0xffffffff }),
  wildcardSubscriptionAvailable: bit,
  subscriptionIdentifierAvailable: bit,
  sharedSubscriptionAvailable: bit,
};

const MESSAGE: readonly Name[] = [
  "payloadFormatIndicator",
  "messageExpiryInterval",
  "contentType",
  "responseTopic",
  "correlationData",
  "userProperties",
];
const ANSWER: readonly Name[] = ["reasonString", "userProperties"];

/** Table 2-4, by packet: what may stand where. */
export const ALLOWED: Readonly<Record<Owner, readonly Name[]>> = {
  connect: [
    "sessionExpiryInterval",
    "authenticationMethod",
    "authenticationData",
    "requestProblemInformation",
    "requestResponseInformation",
    "receiveMaximum",
    "topicAliasMaximum",
    "userProperties",
    "maximumPacketSize",
  ],
  will: [...MESSAGE, "willDelayInterval"],
  connack: [
    ...ANSWER,
    "sessionExpiryInterval",
    "assignedClientIdentifier",
    "serverKeepAlive",
    "authenticationMethod",
    "authenticationData",
    "responseInformation",
    "serverReference",
    "receiveMaximum",
    "topicAliasMaximum",
    "maximumQos",
    "retainAvailable",
    "maximumPacketSize",
    "wildcardSubscriptionAvailable",
    "subscriptionIdentifierAvailable",
    "sharedSubscriptionAvailable",
  ],
  publish: [...MESSAGE, "subscriptionIdentifiers", "topicAlias"],
  puback: ANSWER,
  pubrec: ANSWER,
  pubrel: ANSWER,
  pubcomp: ANSWER,
  subscribe: ["subscriptionIdentifiers", "userProperties"],
  suback: ANSWER,
  unsubscribe: ["userProperties"],
  unsuback: ANSWER,
  pingreq: [],
  pingresp: [],
  disconnect: [...ANSWER, "sessionExpiryInterval", "serverReference"],
  auth: [...ANSWER, "authenticationMethod", "authenticationData"],
};

/** Any of the properties that `owner` may carry, or none at all. */
export function propertiesOf(owner: Owner): fc.Arbitrary<Properties | undefined> {
  const model = Object.fromEntries(ALLOWED[owner].map((name) => [name, VALUES[name]]));
  const some: fc.Arbitrary<Properties> = fc.record(model, { requiredKeys: [], ...PLAIN });
  return some.map((properties) => (Object.keys(properties).length === 0 ? undefined : properties));
}

function withProperties<T>(
  owner: Owner,
  fields: fc.Arbitrary<T>,
): fc.Arbitrary<T & { properties: Properties | undefined }> {
  return fc.tuple(fields, propertiesOf(owner)).map(([own, properties]) => ({ ...own, properties }));
}

function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

const will = withProperties(
  "will",
  fc.record({ topic: topicName, payload: bytes, qos, retain: fc.boolean() }, PLAIN),
);

export const connect: fc.Arbitrary<ConnectPacket> = withProperties(
  "connect",
  fc.record(
    {
      kind: fc.constant("connect" as const),
      level: fc.constant(5 as const),
      bridge: fc.boolean(),
      clientId: text,
      cleanStart: fc.boolean(),
      keepAlive: u16,
      will: maybe(will),
      username: maybe(text),
      password: maybe(bytes),
    },
    PLAIN,
  ),
).map(({ properties, ...fields }) => {
  if (properties?.authenticationMethod !== undefined) return { ...fields, properties };
  const { authenticationData: _, ...others } = properties ?? {};
  return {
    ...fields,
    properties: Object.keys(others).length === 0 ? undefined : (others as Properties),
  };
});

const CONNECT_REASONS = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
  0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
];
export const connack: fc.Arbitrary<ConnackPacket> = withProperties(
  "connack",
  fc.record(
    {
      kind: fc.constant("connack" as const),
      sessionPresent: fc.boolean(),
      returnCode: fc.constantFrom(...CONNECT_REASONS),
    },
    PLAIN,
  ),
);

export const publish: fc.Arbitrary<PublishPacket> = withProperties(
  "publish",
  fc.record({
    topic: fc.oneof(topicName, fc.constant("")),
    payload: fc.uint8Array({ maxLength: 400 }),
    qos,
    retain: fc.boolean(),
    dup: fc.boolean(),
    id: packetId,
  }),
).map(({ id, dup, ...fields }) => ({
  kind: "publish" as const,
  ...fields,
  dup: fields.qos > 0 && dup,
  packetId: fields.qos > 0 ? id : 0,
}));

/** Tables 3-4 to 3-7. */
export const ACK_REASONS: Readonly<Record<AckPacket["kind"], readonly number[]>> = {
  puback: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrec: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
};
export const ack: fc.Arbitrary<AckPacket> = fc
  .constantFrom("puback" as const, "pubrec" as const, "pubrel" as const, "pubcomp" as const)
  .chain((kind) =>
    withProperties(
      kind,
      fc.record(
        {
          kind: fc.constant(kind),
          packetId,
          reasonCode: maybe(fc.constantFrom(...ACK_REASONS[kind])),
        },
        PLAIN,
      ),
    ),
  );

export const subscribe: fc.Arbitrary<SubscribePacket> = withProperties(
  "subscribe",
  fc.record(
    {
      kind: fc.constant("subscribe" as const),
      packetId,
      subscriptions: fc.array(
        fc.record(
          {
            filter: topicName,
            qos,
            noLocal: fc.boolean(),
            retainAsPublished: fc.boolean(),
            retainHandling: fc.constantFrom(0 as const, 1 as const, 2 as const),
          },
          PLAIN,
        ),
        { minLength: 1, maxLength: 5 },
      ),
    },
    PLAIN,
  ),
).map(({ properties, ...fields }) => {
  const identifiers = properties?.subscriptionIdentifiers?.slice(0, 1);
  if (identifiers === undefined) return { ...fields, properties };
  return { ...fields, properties: { ...properties, subscriptionIdentifiers: identifiers } };
});

/** Table 3-8. */
export const SUBACK_REASONS = [
  0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2,
];
/** Table 3-9. */
export const UNSUBACK_REASONS = [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91];

function codesOf(codes: readonly number[]): fc.Arbitrary<number[]> {
  return fc.array(fc.constantFrom(...codes), { minLength: 1, maxLength: 6 });
}

export const suback: fc.Arbitrary<SubackPacket> = withProperties(
  "suback",
  fc.record(
    { kind: fc.constant("suback" as const), packetId, codes: codesOf(SUBACK_REASONS) },
    PLAIN,
  ),
);

export const unsubscribe: fc.Arbitrary<UnsubscribePacket> = withProperties(
  "unsubscribe",
  fc.record(
    {
      kind: fc.constant("unsubscribe" as const),
      packetId,
      filters: fc.array(topicName, { minLength: 1, maxLength: 5 }),
    },
    PLAIN,
  ),
);

export const unsuback: fc.Arbitrary<UnsubackPacket> = withProperties(
  "unsuback",
  fc.record(
    { kind: fc.constant("unsuback" as const), packetId, codes: codesOf(UNSUBACK_REASONS) },
    PLAIN,
  ),
);

/** Table 3-10. */
export const DISCONNECT_REASONS = [
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95,
  0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
];
export const disconnect: fc.Arbitrary<DisconnectPacket> = withProperties(
  "disconnect",
  fc.record(
    {
      kind: fc.constant("disconnect" as const),
      reasonCode: maybe(fc.constantFrom(...DISCONNECT_REASONS)),
    },
    PLAIN,
  ),
);

/** Table 3-11. */
export const AUTH_REASONS = [0x00, 0x18, 0x19];
export const auth: fc.Arbitrary<AuthPacket> = withProperties(
  "auth",
  fc.record(
    { kind: fc.constant("auth" as const), reasonCode: fc.constantFrom(...AUTH_REASONS) },
    PLAIN,
  ),
);

const ping: fc.Arbitrary<Packet> = fc
  .constantFrom("pingreq" as const, "pingresp" as const)
  .map((kind) => ({ kind }));

/** Anything but CONNECT. */
export const packet5: fc.Arbitrary<Packet> = fc.oneof(
  connack,
  publish,
  ack,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  disconnect,
  auth,
  ping,
);

/** What a packet is after it has been on the wire, where success without properties is left out. */
export function asDecoded(packet: Packet): Packet {
  switch (packet.kind) {
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp": {
      const { kind, packetId, reasonCode = 0, properties } = packet;
      return reasonCode === 0 && properties === undefined
        ? { kind, packetId }
        : { ...packet, reasonCode };
    }
    case "disconnect": {
      const { kind, reasonCode = 0, properties } = packet;
      return reasonCode === 0 && properties === undefined ? { kind } : { ...packet, reasonCode };
    }
    default:
      return packet;
  }
}
