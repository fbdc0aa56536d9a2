import { printable } from './text.ts';

/** A cell: text, or text with a colour. Every text is made safe for a terminal. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

/** Aligned columns, two spaces apart, no borders. The last column is not padded. */
export function formatTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [header, ...rows].map((row) => row.map(toCell));
  const widths = header.map((_, column) => Math.max(...lines.map((row) => row[column]?.text.length ?? 0)));
  return lines
    .map((row) => {
      const cells = row.map(({ text, paint }, column) => {
        const isLast = column === row.length - 1;
        return paint(text) + (isLast ? '' : ' '.repeat((widths[column] ?? 0) - text.length));
      });
      return `${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

/** `name  value` lines; a value of several lines is indented below its first. */
export function formatFields(fields: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields
    .map(([name, value]) => {
      const [first = '', ...more] = value.split('\n');
      const rest = more.map((line) => `${' '.repeat(width + 2)}${line}\n`).join('');
      return `${name.padEnd(width)}  ${first}`.trimEnd().concat('\n', rest);
    })
    .join('');
}

function toCell(cell: Cell): { text: string; paint: (text: string) => string } {
  if (typeof cell === 'string') return { text: orDash(printable(cell)), paint: (text) => text };
  return { text: orDash(printable(cell.text)), paint: cell.paint };
}

function orDash(text: string): string {
  return text === '' ? '-' : text;
}
