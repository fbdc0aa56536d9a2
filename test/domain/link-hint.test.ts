import { describe, expect, it } from 'vitest';
import { type HintedLink, linkHint } from '../../src/domain/link-hint.ts';

const STARTED = 1_800_000_000_000;
const SILENT: HintedLink = {
  state: 'up',
  mode: 'udp',
  lastRx: STARTED + 180_000,
  bootStartedAt: STARTED,
  heard: false,
};

describe('a link that is up and brings nothing', () => {
  it('for three minutes of its boot: the MTU of the path, or kernel arguments', () => {
    expect(linkHint(SILENT)).toContain('MTU');
    expect(linkHint(SILENT)).toContain('talos.logging.kernel=');
  });

  it('by the tunnel it is not the MTU', () => {
    expect(linkHint({ ...SILENT, mode: 'tunnel' })).not.toContain('MTU');
  });

  it.each<[string, Partial<HintedLink>]>([
    ['something came', { heard: true }],
    ['it is down', { state: 'down' }],
    ['it never was up', { state: 'never', lastRx: null }],
    ['it booted a moment ago', { lastRx: STARTED + 179_999 }],
  ])('no hint where %s', (_, change) => {
    expect(linkHint({ ...SILENT, ...change })).toBeNull();
  });
});
