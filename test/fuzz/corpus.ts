import { existsSync, readFileSync } from 'node:fs';

/**
 * The kept inputs of a target, from `seeds/<name>.txt`: a line each, as a JSON string (its UTF-8) or as `hex:` and bytes;
 * lines that begin with # say what stands below them. Inputs that once failed are kept here.
 */
export function keptSeeds(name: string): Buffer[] {
  const file = new URL(`./seeds/${name}.txt`, import.meta.url);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => (line.startsWith('hex:') ? Buffer.from(line.slice(4), 'hex') : Buffer.from(JSON.parse(line))));
}

/** The line under which an input is kept. */
export function seedLine(input: Buffer): string {
  const text = input.toString('utf8');
  return Buffer.from(text).equals(input) ? JSON.stringify(text) : `hex:${input.toString('hex')}`;
}
