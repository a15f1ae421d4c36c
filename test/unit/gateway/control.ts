/** Management commands to a gateway on the bench, and their answers. */
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import type { Stand } from "./stand.ts";

export interface Response {
  readonly command: string;
  readonly error?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Carried out by a client that may do so; answers come at once. */
export function commands(stand: Stand, list: readonly object[]): readonly Response[] {
  const answers: Uint8Array[] = [];
  stand.gateway
    .control()
    .handle(
      encodeUtf8(JSON.stringify({ commands: list })),
      { clientId: "operator", username: "ada" },
      (response) => answers.push(response),
    );
  const [answer] = answers;
  if (answer === undefined) throw new Error("the gateway did not answer");
  return JSON.parse(new TextDecoder().decode(answer)).responses;
}

export function command(stand: Stand, one: object): Response {
  return commands(stand, [one])[0] as Response;
}
