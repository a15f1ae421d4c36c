/** The words of a line of mosquitto.conf, separated by spaces, and the values they stand for. */
import { quote } from "./show-value.ts";

/** What is wrong with the value of an option; tells it in words. */
export class OptionFault extends Error {}

/** C's int, which Mosquitto reads numbers into. */
const INT_MAX = 2_147_483_647;

export class Words {
  #rest: string;

  constructor(line: string) {
    this.#rest = line;
  }

  /** The next word, or undefined at the end. */
  next(): string | undefined {
    const trimmed = this.#rest.replace(/^ +/, "");
    if (trimmed === "") return undefined;
    const end = trimmed.indexOf(" ");
    this.#rest = end < 0 ? "" : trimmed.slice(end + 1);
    return end < 0 ? trimmed : trimmed.slice(0, end);
  }

  /** The next word, which must be there. */
  word(): string {
    return this.next() ?? fault("has no value");
  }

  /** All that is left, without the blanks around it, which must be something. */
  text(): string {
    const text = this.#rest.trim();
    this.#rest = "";
    return text === "" ? fault("has no value") : text;
  }

  /** What is left up to a closing quote; undefined if there is none. */
  upToQuote(): string | undefined {
    const end = this.#rest.indexOf('"');
    if (end < 0) return undefined;
    const text = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return text;
  }

  /** The next word as C reads an integer: decimal, 0x hexadecimal or 0 octal. */
  integer(): number {
    return parseInteger(this.word());
  }

  flag(): boolean {
    const word = this.word();
    if (word === "true" || word === "1") return true;
    if (word === "false" || word === "0") return false;
    return fault(`expected true or false, got ${quote(word)}`);
  }

  /** The next word, which must be one of these. */
  choice<const Choice extends string>(choices: readonly Choice[]): Choice {
    const word = this.word();
    const found = choices.find((choice) => choice === word);
    return found ?? fault(`expected ${choices.join(" or ")}, got ${quote(word)}`);
  }
}

export function fault(message: string): never {
  throw new OptionFault(message);
}

export function parseInteger(word: string): number {
  const match = /^([+-]?)(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.exec(word);
  if (match === null) return fault(`expected a number, got ${quote(word)}`);
  const [, sign, digits = ""] = match;
  const octal = /^0[0-7]/.test(digits);
  const value = octal ? Number.parseInt(digits, 8) : Number(digits);
  if (value > INT_MAX) return fault(`the number ${quote(word)} is out of range`);
  return sign === "-" ? 0 - value : value;
}
