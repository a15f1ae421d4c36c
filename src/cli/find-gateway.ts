/** Looks for a gateway on the network with SEARCHGW to a multicast group (MQTT-SN 1.2 §6.1). */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { decodeMessage } from "../mqttsn/decode.ts";
import { describeMessage } from "../mqttsn/describe.ts";
import { encodeMessage } from "../mqttsn/encode.ts";
import { networkCause } from "../sockets/network-cause.ts";
import { CommandFailure } from "./exit-codes.ts";

export interface GatewayQuestion {
  /** A multicast group, or the address of who may know. */
  readonly group: string;
  readonly port: number;
  /** Hops, 0 for all. */
  readonly radius: number;
  /** Between repetitions, ms. */
  readonly interval: number;
  /** Repetitions before giving up. */
  readonly limit: number;
  readonly trace?: ((text: string) => void) | undefined;
}

export interface FoundGateway {
  readonly address: string;
  readonly port: number;
}

/** Resolves with the first gateway that answers. Rejects with CommandFailure. */
export async function findGateway(question: GatewayQuestion): Promise<FoundGateway> {
  const { group, port, interval, limit } = question;
  const socket = createSocket(isIPv6(group) ? "udp6" : "udp4");
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<FoundGateway>((resolve, reject) => {
      const fail = (cause: string): void =>
        reject(
          new CommandFailure(`cannot find a gateway by ${group}, UDP port ${port}: ${cause}.`),
        );
      socket.on("error", (error) => fail(networkCause(error)));
      socket.on("message", (bytes, from) => {
        const found = gatewayIn(bytes, from, question);
        if (found !== undefined) resolve(found);
      });
      let left = limit + 1;
      const ask = (): void => {
        if (left-- === 0) {
          fail("none answers");
          return;
        }
        send(socket, question, fail);
        timer = setTimeout(ask, interval);
      };
      socket.bind(0, ask);
    });
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

function send(socket: Socket, question: GatewayQuestion, fail: (cause: string) => void): void {
  const { group, port, radius, trace } = question;
  const writer = new ByteWriter(4);
  const message = { kind: "searchgw", radius } as const;
  encodeMessage(writer, message);
  trace?.(`sending ${describeMessage(message)}`);
  socket.send(writer.copy(), port, group, (error) => {
    if (error !== null) fail(networkCause(error));
  });
}

/** A gateway answers for itself, or another node for it with the gateway's address (§5.4.3). */
function gatewayIn(
  bytes: Uint8Array,
  from: RemoteInfo,
  { trace }: GatewayQuestion,
): FoundGateway | undefined {
  const message = decodeMessage(bytes);
  if (message.kind === "fault") return undefined;
  trace?.(`received ${describeMessage(message)} from ${from.address} port ${from.port}`);
  if (message.kind !== "gwinfo") return undefined;
  return addressIn(message.gatewayAddress) ?? { address: from.address, port: from.port };
}

/** IPv4 and port in six octets, which is how nodes on UDP tell them. */
function addressIn(octets: Uint8Array): FoundGateway | undefined {
  if (octets.length !== 6) return undefined;
  const [a, b, c, d, high = 0, low = 0] = octets;
  return { address: `${a}.${b}.${c}.${d}`, port: high * 256 + low };
}
