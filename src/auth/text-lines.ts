/** Lines of a text file, and the blanks that C takes for such. */

/** The lines with their numbers, counted from 1; a byte order mark is no part of the first. */
export function* linesOf(text: string): Iterable<{ readonly line: number; readonly text: string }> {
  let line = 1;
  let start = text.startsWith("\ufeff") ? 1 : 0;
  while (start <= text.length) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    yield { line, text: text.slice(start, end) };
    line++;
    start = end + 1;
  }
}

/** Without blanks of ASCII at both ends: others may be part of a name. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** The first word, ended by a space, and what follows it; "" and undefined where there is nothing. */
export function firstWord(text: string): { readonly word: string; readonly rest?: string } {
  let start = 0;
  while (text[start] === " ") start++;
  const space = text.indexOf(" ", start);
  if (space < 0) return { word: text.slice(start) };
  const rest = trimBlanks(text.slice(space));
  return rest === ""
    ? { word: text.slice(start, space) }
    : { word: text.slice(start, space), rest };
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
