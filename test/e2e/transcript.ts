/** What a page shows of a terminal: what somebody types, and what is said to it. */
export interface Step {
  readonly command: string;
  readonly output: readonly string[];
}

/**
 * The ```console blocks of a page in Markdown, by the heading above them. In them stand commands behind `$ `, continued
 * after a `\`, and under each what it prints.
 */
export function blocksByHeading(page: string): Map<string, Step[][]> {
  const sections = new Map<string, Step[][]>();
  let heading = '';
  let steps: Step[] | undefined;
  let step: { command: string; output: string[] } | undefined;
  for (const line of page.split('\n')) {
    if (steps === undefined) {
      heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
      if (line !== '```console') continue;
      steps = [];
      sections.set(heading, [...(sections.get(heading) ?? []), steps]);
    } else if (line === '```') {
      steps = undefined;
      step = undefined;
    } else if (step?.output.length === 0 && step.command.endsWith('\\')) {
      step.command += `\n${line}`;
    } else if (line.startsWith('$ ')) {
      step = { command: line.slice(2), output: [] };
      steps.push(step);
    } else {
      if (step === undefined) throw new Error(`"${heading}" shows what nothing has printed: ${line}`);
      step.output.push(line);
    }
  }
  return sections;
}

/** What a page cannot foretell. `same`: it is the same thing wherever the page shows this text. */
const SHAPES: readonly { readonly shown: string; readonly same: boolean; readonly seen?: string }[] = [
  { shown: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', same: true },
  // Whole addresses of machines; a prefix and the server's address have `::` and are what they are.
  { shown: 'fd[0-9a-f]{2}(?::[0-9a-f]{1,4}){7}', seen: 'fd[0-9a-f:]+', same: true },
  { shown: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?Z', same: false },
  { shown: '\\b\\d+[smhd]\\b', same: false },
  { shown: '\\b[\\d.]+ (?:B|KiB|MiB)', same: false },
  { shown: '…', seen: '.*?', same: false },
  // Columns are as wide as what is in them.
  { shown: '[ \\t]+', same: false },
];

/**
 * Whether something was printed as a page shows it: white space, ages, times and amounts may be others, `…` is anything
 * on a line, and a line of it any lines. UUIDs, addresses of machines and the `variables` (words that stand for what a
 * daemon makes, as the ids of tokens) are others, but each stands for one thing only: `known` says for which.
 *
 * @returns what became known by it, by the page's text; undefined if it was printed otherwise
 */
export function compare(
  shown: readonly string[],
  printed: string,
  variables: readonly string[],
  known: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> | undefined {
  const names: string[] = [];
  const shapes = [...variables.map((text) => ({ shown: literally(text), seen: '[\\w-]+', same: true })), ...SHAPES];
  const parts = new RegExp(`(${shapes.map((shape) => shape.shown).join('|')})`);
  const part = (text: string): string => {
    const shape = shapes.find((each) => new RegExp(`^(?:${each.shown})$`).test(text));
    if (shape === undefined) return literally(text);
    const seen = shape.seen ?? shape.shown;
    if (!shape.same) return `(?:${seen})`;
    const value = known.get(text);
    if (value !== undefined) return literally(value);
    if (names.includes(text)) return `(?:\\${names.indexOf(text) + 1})`;
    names.push(text);
    return `(${seen})`;
  };
  const line = (text: string) => `[ \\t]*${text.split(parts).map(part).join('')}[ \\t]*\\n`;
  const lines = shown.map((text) => (text.trim() === '…' ? '(?:.*\\n)*?' : line(text.trim())));
  const found = new RegExp(`^${lines.join('')}$`).exec(printed);
  return found === null ? undefined : new Map(names.map((name, index) => [name, found[index + 1] ?? '']));
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
