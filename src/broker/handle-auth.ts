/**
 * Enhanced authentication (MQTT 5.0 §4.12): AUTH packets [MQTT-3.15] both ways, before CONNACK and, to
 * prove anew who a client is, on its live connection.
 */
import { utf8Length } from "../bytes/utf8.ts";
import type { AuthPacket } from "../mqtt/packets.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Admission, Credentials } from "../seams/access.ts";
import type { ExtendedExchange, ExtendedStep } from "../seams/extended-authentication.ts";
import type { Timer } from "../time/scheduler.ts";
import type { Connection } from "./connection.ts";
import { whyNotAdmitted } from "./farewell.ts";

type Admitted = Admission & { readonly ok: true };

/** How CONNECT is answered at last. */
export interface EntryOutcome {
  enter(admission: Admitted, data: Uint8Array | undefined): void;
  refuse(reason: ReasonCode, why: string): void;
}

/** What a connection that came with an authentication method knows of it. */
export class Authentication {
  readonly method: string;
  readonly credentials: Credentials;
  readonly outcome: EntryOutcome;
  /** Under way; undefined between a success and the next re-authentication. */
  exchange: ExtendedExchange | undefined;
  /** The exchange has not answered yet. */
  pending = false;
  /** Of a re-authentication: a first authentication ends with the time for CONNECT. */
  timer: Timer | undefined;

  constructor(method: string, credentials: Credentials, outcome: EntryOutcome) {
    this.method = method;
    this.credentials = credentials;
    this.outcome = outcome;
  }

  /** The exchange has come to its end. */
  finish(): void {
    this.exchange = undefined;
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** The connection is gone. */
  abandon(): void {
    const { exchange } = this;
    this.finish();
    exchange?.abandon();
  }
}

/** CONNECT has named a method: `outcome` follows once the exchange is over, if the client stays so long. */
export function beginAuthentication(
  connection: Connection,
  credentials: Credentials,
  outcome: EntryOutcome,
): void {
  const { authenticationMethod: method = "", authenticationData } =
    connection.packet?.properties ?? {};
  const exchange = connection.broker.access?.extended?.(method, credentials);
  if (exchange === undefined) {
    outcome.refuse(Reason.badAuthenticationMethod, `knows no method of ours but "${method}"`); // [MQTT-4.12.0-1]
    return;
  }
  const authentication = new Authentication(method, credentials, outcome);
  connection.authentication = authentication;
  authentication.exchange = exchange;
  advance(connection, authentication, authenticationData);
}

/** AUTH from a client, before CONNACK or after it. */
export function handleAuth(connection: Connection, packet: AuthPacket): void {
  const { authentication } = connection;
  if (authentication === undefined) {
    // [MQTT-4.12.0-7]
    connection.close("lost", "sent AUTH, but no method with CONNECT", Reason.protocolError);
    return;
  }
  const trouble = troubleWith(connection, authentication, packet);
  if (trouble !== undefined) {
    end(connection, authentication, Reason.protocolError, trouble);
    return;
  }
  if (packet.reasonCode === Reason.reauthenticate && !restart(connection, authentication)) {
    end(connection, authentication, Reason.notAuthorized, "is not authorised any more");
    return;
  }
  advance(connection, authentication, packet.properties?.authenticationData);
}

/** A packet that must wait for CONNACK came before it [MQTT-3.1.2-30]. */
export function refuseEarly(connection: Connection, kind: string): void {
  const { authentication } = connection;
  if (authentication === undefined) return;
  end(connection, authentication, Reason.protocolError, `sent ${kind} before CONNACK`);
}

function troubleWith(
  connection: Connection,
  authentication: Authentication,
  { reasonCode, properties }: AuthPacket,
): string | undefined {
  // [MQTT-4.12.0-5, MQTT-4.12.1-1]
  if (properties?.authenticationMethod !== authentication.method) {
    return "sent AUTH with another method than CONNECT";
  }
  const { exchange, pending } = authentication;
  switch (reasonCode) {
    case Reason.continueAuthentication:
      if (exchange !== undefined && !pending) return undefined;
      return "sent AUTH that it was not asked for";
    case Reason.reauthenticate:
      if (exchange === undefined && connection.clientId !== undefined) return undefined;
      return "wants to authenticate again before the end of the first time";
    default:
      return "sent AUTH with a reason code that only a server sends"; // [MQTT-4.12.0-3]
  }
}

/** Begins a re-authentication (§4.12.1); false where the method is not there any more. */
function restart(connection: Connection, authentication: Authentication): boolean {
  const { broker } = connection;
  const { method, credentials } = authentication;
  const exchange = broker.access?.extended?.(method, credentials);
  if (exchange === undefined) return false;
  authentication.exchange = exchange;
  authentication.timer = broker.scheduler.after(broker.options.connectTimeout, () =>
    end(connection, authentication, Reason.notAuthorized, "did not authenticate again in time"),
  );
  return true;
}

function advance(
  connection: Connection,
  authentication: Authentication,
  data: Uint8Array | undefined,
): void {
  const { exchange } = authentication;
  if (exchange === undefined) return;
  // On a live connection everything else goes on with the rights there are (§4.12.1).
  const waits = connection.clientId === undefined;
  authentication.pending = true;
  if (waits) connection.hold();
  exchange.next(data, (step) => {
    if (connection.ended || authentication.exchange !== exchange || !authentication.pending) return;
    authentication.pending = false;
    take(connection, authentication, step);
    if (waits) connection.unhold();
  });
}

function take(connection: Connection, authentication: Authentication, step: ExtendedStep): void {
  if (step.kind === "continue") {
    send(connection, authentication, Reason.continueAuthentication, step.data); // [MQTT-4.12.0-2]
    return;
  }
  const isFirst = connection.clientId === undefined;
  if (step.kind === "refused") {
    // The exchange knows its end.
    authentication.finish();
    end(connection, authentication, step.reason, whyNotAdmitted(step.reason));
    return;
  }
  authentication.finish();
  if (isFirst) authentication.outcome.enter(step.admission, step.data);
  else renew(connection, authentication, step.admission, step.data);
}

/** The client has proved anew who it is: its rights are those that it has now. */
function renew(
  connection: Connection,
  authentication: Authentication,
  admission: Admitted,
  data: Uint8Array | undefined,
): void {
  const session = connection.broker.sessions.get(connection.clientId ?? "");
  // The session and what is in it belong to the user that it was opened for.
  if (session === undefined || session.username !== admission.username) {
    end(connection, authentication, Reason.notAuthorized, "is not authorised as somebody else");
    return;
  }
  session.rights = admission.rights;
  session.outgoing.dropForbidden(false);
  send(connection, authentication, Reason.success, data);
}

/** [MQTT-4.12.0-5]: with the method, always. */
function send(
  connection: Connection,
  authentication: Authentication,
  reasonCode: number,
  authenticationData: Uint8Array | undefined,
): void {
  const { method } = authentication;
  const longest = connection.packet?.properties?.maximumPacketSize;
  if (longest !== undefined && sizeOfAuth(method, authenticationData) > longest) {
    end(connection, authentication, Reason.packetTooLarge, "takes no AUTH of that length");
    return;
  }
  const properties = { authenticationMethod: method, authenticationData };
  connection.send({ kind: "auth", reasonCode, properties });
}

/** Bytes, at most: both lengths in front may be shorter than four bytes. */
function sizeOfAuth(method: string, data: Uint8Array | undefined): number {
  return 10 + 3 + utf8Length(method) + (data === undefined ? 0 : 3 + data.length);
}

/** Refuses, or ends a live connection [MQTT-4.12.0-4, MQTT-4.12.1-2]. */
function end(
  connection: Connection,
  authentication: Authentication,
  reason: ReasonCode,
  why: string,
): void {
  authentication.abandon();
  if (connection.clientId === undefined) authentication.outcome.refuse(reason, why);
  else connection.close("lost", why, forDisconnect(reason));
}

/** DISCONNECT does not have all the reasons of CONNACK (§3.14.2.1). */
function forDisconnect(reason: ReasonCode): ReasonCode {
  switch (reason) {
    case Reason.protocolError:
    case Reason.packetTooLarge:
    case Reason.serverBusy:
      return reason;
    default:
      return Reason.notAuthorized;
  }
}
