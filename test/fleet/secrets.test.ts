import { expect, it } from 'vitest';
import { newTokenSecret } from '../../src/fleet/secrets.ts';

it('an id of a join token can be given to a command as it is', () => {
  // One of 64 would begin with a dash, which a command takes for an option.
  const ids = Array.from({ length: 2_000 }, () => newTokenSecret().id);
  expect(ids.filter((id) => !/^[A-Za-z0-9_][A-Za-z0-9_-]{11}$/.test(id))).toEqual([]);
});
