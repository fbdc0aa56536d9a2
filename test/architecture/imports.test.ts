import { expect, test } from 'vitest';
import { PACKAGES, PURE, ROOMS } from './rooms.ts';
import { importsOf, sources } from './sources.ts';

const all = sources();
const roomOf = (path: string) => path.split('/', 1)[0] ?? '';
const isOurs = (name: string) => roomOf(name) in ROOMS || roomOf(name) === 'gen';
const packageOf = (name: string) => name.split('/', name.startsWith('@') ? 2 : 1).join('/');

test('imports are found however they are written', () => {
  const text = `import { a } from './a.ts';
export type { B } from '../lib/b.ts';
import '../gen/proto.js';
const c = await import('../store/c.ts');
import {
  d,
} from 'pino';
const e = Buffer.from('f');`;
  expect(importsOf('fleet/x.ts', text)).toEqual(['fleet/a.ts', 'lib/b.ts', 'gen/proto.js', 'store/c.ts', 'pino']);
});

test('every room has a rule', () => {
  const rooms = new Set(all.map(({ path }) => roomOf(path)));
  expect([...rooms].filter((room) => !(room in ROOMS))).toEqual([]);
});

test('rooms import only what they may', () => {
  const wrong = all.flatMap(({ path, imports }) => {
    const room = roomOf(path);
    const rule = ROOMS[room];
    return imports
      .filter(isOurs)
      .filter((name) => roomOf(name) !== room && !rule?.may.includes(roomOf(name)) && !rule?.may.includes(name))
      .map((name) => `${path} imports ${name}, but ${rule?.because}`);
  });
  expect(wrong).toEqual([]);
});

test('a package with one purpose is used where that purpose is', () => {
  const wrong = all.flatMap(({ path, imports }) =>
    imports
      .map(packageOf)
      .filter((name) => PACKAGES[name] !== undefined && !PACKAGES[name].includes(roomOf(path)))
      .map((name) => `${path} imports ${name}, which belongs to ${PACKAGES[name]?.join(', ')}`),
  );
  expect(wrong).toEqual([]);
});

test('domain touches nothing outside', () => {
  const wrong = all
    .filter(({ path }) => roomOf(path) === 'domain')
    .flatMap(({ path, imports }) =>
      imports
        .filter((name) => !isOurs(name) && !PURE.includes(packageOf(name)))
        .map((name) => `${path} imports ${name}`),
    );
  expect(wrong).toEqual([]);
});
