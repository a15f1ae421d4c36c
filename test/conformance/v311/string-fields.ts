/** Every string that a client of MQTT 3.1.1 sends, with any bytes in it. */
import { field, frame, rawConnect } from "../../kit/raw-packets.ts";
import type { TestBroker, TestClient } from "../../kit/test-broker.ts";

type Send = (broker: TestBroker, bytes: Uint8Array) => TestClient;

function connect(flags: number, payload: (bytes: Uint8Array) => Uint8Array[]): Send {
  return (broker, bytes) => {
    const client = broker.dial();
    client.sendBytes(rawConnect({ flags, payload: payload(field(bytes)) }));
    return client;
  };
}

function connected(packet: (bytes: Uint8Array) => Uint8Array): Send {
  return (broker, bytes) => {
    const client = broker.connect("strings");
    client.sendBytes(packet(field(bytes)));
    return client;
  };
}

/** Answers the client after it has sent a string of these bytes there. */
export const STRING_FIELDS: Readonly<Record<string, Send>> = {
  "the client identifier": connect(0x02, (text) => [text]),
  "the will topic": connect(0x06, (text) => [field("c"), text, field("gone")]),
  "the user name": connect(0x82, (text) => [field("c"), text]),
  "the topic of PUBLISH": connected((text) => frame(0x30, text)),
  "a filter of SUBSCRIBE": connected((text) => frame(0x82, "0001", field("ok"), "00", text, "00")),
  "a filter of UNSUBSCRIBE": connected((text) => frame(0xa2, "0001", field("ok"), text)),
};
