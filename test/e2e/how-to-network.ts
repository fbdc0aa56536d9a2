import { readFileSync } from 'node:fs';

const PAGE = new URL('../../docs/how-to/network.md', import.meta.url);
const BLOCK = /^```(\w+)\n(.*?)^```$/gms;

/** The blocks of docs/how-to/network.md in this language, as they stand there. */
export function networkBlocks(language: string): readonly string[] {
  const blocks = [...readFileSync(PAGE, 'utf8').matchAll(BLOCK)];
  return blocks.flatMap(([, of, text]) => (of === language && text !== undefined ? [text] : []));
}

/** The only one. @throws Error if it is not */
export function networkBlock(language: string): string {
  const [found, ...others] = networkBlocks(language);
  if (found === undefined || others.length > 0) throw new Error(`network.md has not exactly one ${language} block`);
  return found;
}
