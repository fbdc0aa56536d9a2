import { readFileSync } from 'node:fs';

const PAGE = new URL('../../docs/how-to/network.md', import.meta.url);
const BLOCK = /^```(\w+)\n(.*?)^```$/gms;

/** docs/how-to/network.md. */
export function networkPage(): string {
  return readFileSync(PAGE, 'utf8');
}

/** Its blocks in this language, as they stand there. */
export function networkBlocks(language: string): readonly string[] {
  const blocks = [...networkPage().matchAll(BLOCK)];
  return blocks.flatMap(([, of, text]) => (of === language && text !== undefined ? [text] : []));
}

/** The only one. @throws Error if it is not */
export function networkBlock(language: string): string {
  const [found, ...others] = networkBlocks(language);
  if (found === undefined || others.length > 0) throw new Error(`network.md has not exactly one ${language} block`);
  return found;
}
