/** Conversations as lines of text, to be kept when something fails and sent again. */
import { type Conversation, PORT_KINDS, type PortKind } from "./conversation.ts";

/** The last so many are kept. */
const KEPT = 500;

export class Recording {
  #conversations: Conversation[] = [];

  add(conversation: Conversation): void {
    this.#conversations.push(conversation);
    if (this.#conversations.length >= KEPT * 2) {
      this.#conversations = this.#conversations.slice(-KEPT);
    }
  }

  /** One line each: the port, how it ends, the stride of addresses, and the pieces in hexadecimal digits. */
  get text(): string {
    return this.#conversations
      .slice(-KEPT)
      .map(({ port, reset, stride, pieces }) => {
        const digits = pieces.map((piece) => Buffer.from(piece).toString("hex")).join(",");
        return `${port} ${reset ? "reset" : "end"} ${stride} ${digits}\n`;
      })
      .join("");
  }
}

/** Throws where a line is not of that form. */
export function readRecording(text: string): Conversation[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line, index) => {
      const [, port = "", end, stride, digits = ""] =
        /^([\w-]+) (reset|end) ([012]) ([\da-f,]*)$/.exec(line) ?? [];
      if (!PORT_KINDS.has(port)) throw new Error(`line ${index + 1} is no conversation`);
      const pieces = digits.split(",").map((piece) => new Uint8Array(Buffer.from(piece, "hex")));
      return { port: port as PortKind, reset: end === "reset", stride: Number(stride), pieces };
    });
}
