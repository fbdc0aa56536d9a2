/** Marks that a terminal puts over the character before them, and what it does not show at all. */
const NO_CELL = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** East Asian wide and full-width characters, and pictures: two cells (Unicode Annex 11, in blocks). */
const TWO_CELLS =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

const PLAIN = /^[\u0020-\u007e]*$/;

/** How many cells of a terminal the text takes. */
export function cells(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += cellsOf(char);
  return width;
}

function cellsOf(char: string): number {
  if (NO_CELL.test(char)) return 0;
  return TWO_CELLS.test(char) ? 2 : 1;
}

/** Columns of a terminal that a tab goes on to. */
const TAB = 8;

/** Tabs as the blanks that they are on a terminal, counted from where the text begins. */
export function expandTabs(text: string): string {
  if (!text.includes('\t')) return text;
  const [first = '', ...more] = text.split('\t');
  let expanded = first;
  for (const part of more) expanded += `${' '.repeat(TAB - (cells(expanded) % TAB))}${part}`;
  return expanded;
}

/**
 * The text in pieces of at most `width` cells (one character may be wider), broken at blanks where there are any. The
 * blanks at which it is broken are left out, nothing else.
 */
export function wrap(text: string, width: number): readonly string[] {
  const pieces: string[] = [];
  let rest = text;
  while (cells(rest) > width) {
    const fits = endOf(rest, Math.max(1, width));
    const at = rest[fits] === ' ' ? fits : rest.lastIndexOf(' ', fits - 1);
    // Blanks at the beginning of a line mean something; a word that does not fit is cut.
    const isBlank = at > 0 && rest.slice(0, at).trim() !== '';
    pieces.push(isBlank ? rest.slice(0, at).trimEnd() : rest.slice(0, fits));
    rest = isBlank ? rest.slice(at).trimStart() : rest.slice(fits);
  }
  if (rest !== '' || pieces.length === 0) pieces.push(rest);
  return pieces;
}

/** The offset behind the last character that fits; at least one does. */
function endOf(text: string, width: number): number {
  let end = 0;
  let taken = 0;
  for (const char of text) {
    taken += cellsOf(char);
    if (taken > width && end > 0) return end;
    end += char.length;
  }
  return end;
}

/** The text in exactly so many cells; the end of a longer one gives way to `…`. */
export function fitted(text: string, width: number): string {
  const shown = cells(text) <= width ? text : `${startOf(text, width - 1)}…`;
  return `${shown}${' '.repeat(Math.max(0, width - cells(shown)))}`;
}

/** As much of the text as fits: nothing where its first character is too wide already. */
function startOf(text: string, width: number): string {
  const start = text.slice(0, endOf(text, width));
  return cells(start) <= width ? start : '';
}
