import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { LANES, laneOf } from '../../src/domain/lane.ts';

test('a machine keeps its lane: cursors of earlier versions belong to it', () => {
  expect(laneOf('')).toBe(0xe3);
  expect(laneOf('30303030-3030-4030-8030-303030303030')).toBe(laneOf('30303030-3030-4030-8030-303030303030'));
});

test('many machines use all lanes', () => {
  expect(new Set(Array.from({ length: 10_000 }, () => laneOf(randomUUID()))).size).toBe(LANES);
});
