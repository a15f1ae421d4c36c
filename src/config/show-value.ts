/** What a user wrote, as an error message quotes it: short, on one line, without control characters. */

const LONGEST_VALUE = 40;
const LONGEST_KEY = 100;

/** `"abc"`, `12`, `a list`, `nothing`. */
export function showValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      return Number.isNaN(value) ? "nan" : String(value).replace("Infinity", "inf");
    case "boolean":
    case "bigint":
      return String(value);
    case "undefined":
      return "nothing";
    default:
      if (Array.isArray(value)) return "a list";
      return value instanceof Date ? "a date" : "a table";
  }
}

/** In double quotes, cut when long. */
export function quote(text: string): string {
  return escapeInvisible(JSON.stringify(cut(text, LONGEST_VALUE)));
}

/** Without quotes, for what is a word nearly always. */
export function showKey(key: string): string {
  return escapeInvisible(cut(key, LONGEST_KEY));
}

function cut(text: string, longest: number): string {
  const characters = Array.from(text.slice(0, 2 * longest));
  if (characters.length <= longest && text.length <= 2 * longest) return text;
  return `${characters.slice(0, longest - 3).join("")}...`;
}

/** Control characters, and those that change the direction of writing or break lines. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

function escapeInvisible(text: string): string {
  return text.replace(INVISIBLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u${code > 0xffff ? `{${code.toString(16)}}` : code.toString(16).padStart(4, "0")}`;
  });
}
