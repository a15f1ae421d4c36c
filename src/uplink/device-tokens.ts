/** Passwords that a device makes of a key for a limited time: SAS tokens of Azure, JSON Web Tokens of Google. */
import { createHmac, createPrivateKey, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Clock } from "../time/clock.ts";

const SECOND = 1000;

export interface SasTokenParts {
  /** Of the hub. */
  readonly host: string;
  /** `DEVICE`, or `DEVICE/MODULE`. */
  readonly clientId: string;
  /** The device's key, base64. */
  readonly key: string;
  /** When it ends, seconds since 1970. */
  readonly expiry: number;
}

/** A token for Azure IoT Hub. */
export function sasToken({ host, clientId, key, expiry }: SasTokenParts): string {
  const [device = "", module] = clientId.split("/");
  const place = module === undefined ? "" : `/modules/${module}`;
  const resource = encodeURIComponent(`${host}/devices/${device}${place}`);
  const signature = createHmac("sha256", Buffer.from(key, "base64"))
    .update(`${resource}\n${expiry}`)
    .digest("base64");
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}`;
}

export interface WebTokenParts {
  readonly key: KeyObject;
  readonly audience: string;
  /** When it begins and ends, seconds since 1970. */
  readonly issuedAt: number;
  readonly expiry: number;
}

/** A JSON Web Token, signed with RS256 or ES256 as the key is (RFC 7519, RFC 7518 §3.1). */
export function webToken({ key, audience, issuedAt, expiry }: WebTokenParts): string {
  const isCurve = key.asymmetricKeyType === "ec";
  const header = { alg: isCurve ? "ES256" : "RS256", typ: "JWT" };
  const claims = { iat: issuedAt, exp: expiry, aud: audience };
  const signed = [header, claims].map((part) => base64url(JSON.stringify(part))).join(".");
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

export interface TokenLogin {
  readonly username: string;
  readonly password: string;
  /** ms. */
  readonly validFor: number;
}

/** A login at Azure IoT Hub, made anew whenever it is asked for. `lifetime`: seconds. */
export function sasLogin(
  clock: Clock,
  username: string,
  lifetime: number,
  parts: Omit<SasTokenParts, "expiry">,
): () => TokenLogin {
  return () => {
    const expiry = Math.floor(clock.wall() / SECOND) + lifetime;
    return { username, password: sasToken({ ...parts, expiry }), validFor: lifetime * SECOND };
  };
}

/** A login by JSON Web Token, with the key as the file holds it then, or what is wrong with that. `lifetime`: seconds. */
export function webTokenLogin(
  clock: Clock,
  username: string,
  lifetime: number,
  keyFile: string,
  audience: string,
): () => TokenLogin | { readonly problem: string } {
  return () => {
    const issuedAt = Math.floor(clock.wall() / SECOND);
    const expiry = issuedAt + lifetime;
    let key: KeyObject;
    try {
      key = createPrivateKey(readFileSync(keyFile));
    } catch (error) {
      return {
        problem: `${JSON.stringify(keyFile)} is no private key: ${(error as Error).message}`,
      };
    }
    const password = webToken({ key, audience, issuedAt, expiry });
    return { username, password, validFor: lifetime * SECOND };
  };
}
