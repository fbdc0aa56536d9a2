import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { refuseNotThereYet } from '../../src/daemon/not-there-yet.ts';

it('lets the defaults pass', () => {
  expect(() => refuseNotThereYet(parseConfig('{}'))).not.toThrow();
});

it('refuses settings that would be relied on and have no effect, all at once', () => {
  const config = parseConfig('join: { tunnel: force }\n');
  expect(() => refuseNotThereYet(config)).toThrow(/join\.tunnel: force/);
});
