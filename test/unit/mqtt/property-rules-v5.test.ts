/** Which property may stand where, how often and with what value: Table 2-4 of MQTT 5.0 and §3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DecodeFault } from "../../../src/mqtt/decode-fault.ts";
import { PacketStream } from "../../../src/mqtt/packet-stream.ts";
import type { Packet } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import { hex } from "../../kit/hex.ts";
import { ALLOWED, type Owner } from "../../kit/mqtt5-packets.ts";
import { field, frame, joined, type Part, properties, rawConnect } from "../../kit/raw-packets.ts";

interface Row {
  readonly id: string;
  readonly name: keyof Properties;
  /** A value that is allowed, in hexadecimal digits. */
  readonly value: string;
  readonly kind: "flag" | "number" | "varint" | "text" | "binary" | "pair";
  /** Values that are not, and what they call for. */
  readonly wrong?: readonly (readonly [value: string, reason: number])[];
}

const ROWS: readonly Row[] = [
  { id: "01", name: "payloadFormatIndicator", value: "01", kind: "flag" },
  { id: "02", name: "messageExpiryInterval", value: "0000000a", kind: "number" },
  { id: "03", name: "contentType", value: "0001 61", kind: "text" },
  { id: "08", name: "responseTopic", value: "0001 61", kind: "text" },
  { id: "09", name: "correlationData", value: "0002 00ff", kind: "binary" },
  {
    id: "0b",
    name: "subscriptionIdentifiers",
    value: "8001",
    kind: "varint",
    wrong: [["00", 0x82]],
  },
  { id: "11", name: "sessionExpiryInterval", value: "ffffffff", kind: "number" },
  { id: "12", name: "assignedClientIdentifier", value: "0001 61", kind: "text" },
  { id: "13", name: "serverKeepAlive", value: "003c", kind: "number" },
  { id: "15", name: "authenticationMethod", value: "0001 61", kind: "text" },
  { id: "16", name: "authenticationData", value: "0001 61", kind: "binary" },
  { id: "17", name: "requestProblemInformation", value: "00", kind: "flag" },
  { id: "18", name: "willDelayInterval", value: "00000001", kind: "number" },
  { id: "19", name: "requestResponseInformation", value: "01", kind: "flag" },
  { id: "1a", name: "responseInformation", value: "0001 61", kind: "text" },
  { id: "1c", name: "serverReference", value: "0001 61", kind: "text" },
  { id: "1f", name: "reasonString", value: "0001 61", kind: "text" },
  { id: "21", name: "receiveMaximum", value: "0001", kind: "number", wrong: [["0000", 0x82]] },
  { id: "22", name: "topicAliasMaximum", value: "0000", kind: "number" },
  { id: "23", name: "topicAlias", value: "0001", kind: "number", wrong: [["0000", 0x94]] },
  { id: "24", name: "maximumQos", value: "01", kind: "flag" },
  { id: "25", name: "retainAvailable", value: "00", kind: "flag" },
  { id: "26", name: "userProperties", value: "0001 61 0000", kind: "pair" },
  {
    id: "27",
    name: "maximumPacketSize",
    value: "00000001",
    kind: "number",
    wrong: [["00000000", 0x82]],
  },
  { id: "28", name: "wildcardSubscriptionAvailable", value: "00", kind: "flag" },
  { id: "29", name: "subscriptionIdentifierAvailable", value: "00", kind: "flag" },
  { id: "2a", name: "sharedSubscriptionAvailable", value: "00", kind: "flag" },
];

/** Packets around the given properties, whose length is put in front. */
const AROUND: Readonly<
  Record<Exclude<Owner, "pingreq" | "pingresp">, (...parts: Part[]) => Uint8Array>
> = {
  connect: (...parts) => rawConnect({ level: 5, payload: [properties(...parts), field("a")] }),
  will: (...parts) =>
    rawConnect({
      level: 5,
      flags: 6,
      payload: ["00", field("a"), properties(...parts), field("w"), field("x")],
    }),
  connack: (...parts) => frame(0x20, "0000", properties(...parts)),
  publish: (...parts) => frame(0x30, field("t"), properties(...parts), "78"),
  puback: (...parts) => frame(0x40, "0001 00", properties(...parts)),
  pubrec: (...parts) => frame(0x50, "0001 00", properties(...parts)),
  pubrel: (...parts) => frame(0x62, "0001 00", properties(...parts)),
  pubcomp: (...parts) => frame(0x70, "0001 00", properties(...parts)),
  subscribe: (...parts) => frame(0x82, "0001", properties(...parts), field("t"), "00"),
  suback: (...parts) => frame(0x90, "0001", properties(...parts), "00"),
  unsubscribe: (...parts) => frame(0xa2, "0001", properties(...parts), field("t")),
  unsuback: (...parts) => frame(0xb0, "0001", properties(...parts), "00"),
  disconnect: (...parts) => frame(0xe0, "00", properties(...parts)),
  auth: (...parts) => frame(0xf0, "19", properties(...parts)),
};
const OWNERS = Object.keys(AROUND) as (keyof typeof AROUND)[];

/** What a peer makes of one packet that comes after its CONNECT, or as it. */
function decoded(owner: Owner, bytes: Uint8Array): Packet | DecodeFault | undefined {
  const first = owner === "connect" || owner === "will" || owner === "connack";
  const role = owner === "connack" ? "client" : "server";
  const stream = new PacketStream({ maximumPacketSize: 100_000, role, level: 5 });
  if (!first) stream.feed(rawConnect({ level: 5 }), () => {});
  let got: Packet | undefined;
  const fault = stream.feed(bytes, (packet) => {
    got = packet;
  });
  return fault ?? got;
}

function assertRefused(owner: Owner, bytes: Uint8Array, reason: number): void {
  const answer = decoded(owner, bytes);
  assert.equal(answer?.kind, "fault");
  if (answer?.kind === "fault") assert.equal(answer.reason, reason, answer.detail);
}

function propertiesIn(owner: Owner, bytes: Uint8Array): Properties | undefined {
  const packet = decoded(owner, bytes);
  if (packet === undefined || packet.kind === "fault") assert.fail(packet?.detail);
  const holder = owner === "will" && packet.kind === "connect" ? packet.will : packet;
  return (holder as { properties?: Properties }).properties;
}

/** What a property needs beside it. */
function company(owner: Owner, { name }: Row): string {
  return owner === "connect" && name === "authenticationData" ? "15 0001 61" : "";
}

for (const row of ROWS) {
  const { id, name, value, kind, wrong = [] } = row;
  const homes = OWNERS.filter((owner) => ALLOWED[owner].includes(name));
  const strange = OWNERS.filter((owner) => !ALLOWED[owner].includes(name));
  const many = (owner: Owner): boolean =>
    kind === "pair" || (name === "subscriptionIdentifiers" && owner === "publish");

  test(`${name} stands in ${homes.join(", ")} and nowhere else`, () => {
    assert.ok(homes.length > 0);
    for (const owner of homes) {
      const found = propertiesIn(owner, AROUND[owner](company(owner, row), id, value));
      assert.notEqual(found?.[name], undefined, owner);
    }
    for (const owner of strange) assertRefused(owner, AROUND[owner](id, value), 0x82);
  });

  test(`${name} comes once, or as often as its packet allows`, () => {
    for (const owner of homes) {
      const twice = AROUND[owner](company(owner, row), id, value, id, value);
      if (many(owner)) {
        const list = propertiesIn(owner, twice)?.[name];
        assert.equal(Array.isArray(list) && list.length, 2);
      } else {
        assertRefused(owner, twice, 0x82);
      }
    }
  });

  test(`${name} that is cut off anywhere is malformed`, () => {
    const whole = joined(id, value);
    for (const owner of homes) {
      for (let length = 1; length < whole.length; length++) {
        assertRefused(owner, AROUND[owner](company(owner, row), whole.slice(0, length)), 0x81);
      }
    }
  });

  const wrongValues =
    kind === "flag"
      ? ([
          ["02", 0x82],
          ["ff", 0x82],
        ] as const)
      : wrong;
  for (const [bad, reason] of wrongValues) {
    test(`${name} of 0x${bad} is refused`, () => {
      for (const owner of homes) assertRefused(owner, AROUND[owner](id, bad), reason);
    });
  }

  if (kind !== "text" && kind !== "pair") continue;
  test(`[MQTT-1.5.4-1, MQTT-1.5.4-2] ${name} is UTF-8 without surrogates and NUL`, () => {
    const good = kind === "pair" ? field("k") : new Uint8Array(0);
    for (const bad of ["ff", "c0af", "eda080", "e282", "f4908080", "6100", "00", "f8a0808080"]) {
      for (const owner of homes) {
        assertRefused(owner, AROUND[owner](id, good, field(hex(bad))), 0x81);
        if (kind === "pair") assertRefused(owner, AROUND[owner](id, field(hex(bad)), good), 0x81);
      }
    }
  });
}

test("identifiers that are in no table are malformed, in every packet", () => {
  const known = new Set(ROWS.map(({ id }) => Number.parseInt(id, 16)));
  for (const owner of OWNERS) {
    for (let id = 0; id < 128; id++) {
      if (known.has(id)) continue;
      assertRefused(owner, AROUND[owner](new Uint8Array([id, 0, 0, 0, 0])), 0x81);
    }
    // 43 and above in more than one byte.
    assertRefused(owner, AROUND[owner]("8001 00"), 0x81);
    assertRefused(owner, AROUND[owner]("ffffff7f 00"), 0x81);
  }
});
