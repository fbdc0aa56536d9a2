import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { parseConfig } from '../../src/config/config.ts';
import { defaultConfig } from '../../src/config/defaults.ts';
import { configSchema } from '../../src/config/schema.ts';
import { leaves } from '../../src/config/tree.ts';
import { configReference } from './reference.ts';

const example = readFileSync(new URL('../../config.example.yaml', import.meta.url), 'utf8');

test('the example file is exactly the defaults', () => {
  expect(parseConfig(example, 'config.example.yaml')).toEqual(defaultConfig());
});

test('the example file names every setting', () => {
  const document = parseDocument(example);
  const missing = [...leaves(configSchema)].map(({ path }) => path).filter((path) => !document.hasIn(path));
  expect(missing).toEqual([]);
});

test('the reference page is what the schema says', async () => {
  await expect(configReference()).toMatchFileSnapshot('../../docs/reference/config.md');
});
