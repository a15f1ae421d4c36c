/** Makes text from strangers safe to read: nothing invisible, nothing that reorders its surroundings. */

// Controls, line and paragraph separators, and the characters that change reading direction.
const DECEPTIVE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are shown
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]/g;
const MARK = "�";

/** `text` with a mark for each character that would not show. */
export function markHidden(text: string): string {
  return text.replace(DECEPTIVE, MARK);
}

/** `text` cut to `longest` characters, with a mark for each character that would not show. */
export function visibleText(text: string, longest: number): string {
  const cut = text.length > longest ? `${text.slice(0, longest).toWellFormed()}…` : text;
  return markHidden(cut);
}
