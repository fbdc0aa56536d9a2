import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { keepingOf } from '../../src/daemon/keeping.ts';

const MIB = 1024 * 1024;

it('logs and the rest have limits of their own, and it is known whether something is published', () => {
  const limits = 'max_age: 2d, max_bytes: 3GiB, events_max_age: 5d, events_max_bytes: 7GiB';
  expect(keepingOf(parseConfig(`store: { ${limits} }`))).toEqual({
    retention: {
      logs: { maxAgeMs: 2 * 86_400_000, maxBytes: 3 * 1024 * MIB },
      others: { maxAgeMs: 5 * 86_400_000, maxBytes: 7 * 1024 * MIB },
    },
    freeBytes: 32 * MIB,
    backlogBytes: 384 * MIB,
    publishes: false,
  });
  const servers = ['nats://127.0.0.1:4222'];
  expect(keepingOf(parseConfig(JSON.stringify({ publish: { nats: { servers } } }))).publishes).toBe(true);
});

it('of the smallest budgets a small part stays free, and a small part may wait to be packed', () => {
  const small = keepingOf(parseConfig('store: { max_bytes: 64MiB, events_max_bytes: 64MiB }'));
  expect(small.freeBytes).toBe(8 * MIB);
  expect(small.backlogBytes).toBe(8 * MIB);
  expect(keepingOf(parseConfig('store: { max_bytes: 1TiB }')).backlogBytes).toBe(2048 * MIB);
});
