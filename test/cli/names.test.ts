import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortNames } from '../../src/cli/names.ts';

const machine = (server_uuid: string, hostname: string | null = null) => ({ server_uuid, hostname });
const namesOf = (...machines: ReturnType<typeof machine>[]) => [...shortNames(machines).values()];

const A = '71233efd-7a07-43f8-b6ba-000000000001';
const B = '71233efd-7a07-43f8-b6ba-000000010001';
const C = '0a1b2c3d-7a07-43f8-b6ba-000000000001';

describe('short names', () => {
  it.each([
    [
      [machine(A, 'cp-1'), machine(B, 'cp-2')],
      ['cp-1', 'cp-2'],
    ],
    [
      [machine(A), machine(C)],
      ['71233efd', '0a1b2c3d'],
    ],
    [
      [machine(A, ''), machine(B, 'w')],
      ['71233efd…00001', 'w'],
    ],
    [
      [machine(A, 'Same'), machine(C, 'same')],
      ['71233efd', '0a1b2c3d'],
    ],
    [
      [machine(A, C), machine(C)],
      ['71233efd', '0a1b2c3d'],
    ],
    [[machine(A, 'evil\u001b[31m')], ['evil\\x1b[31m']],
  ])('of %j', (machines, expected) => {
    expect(namesOf(...machines)).toEqual(expected);
  });

  it('are those of one machine each', () => {
    const named = fc.record({
      server_uuid: fc.uuid(),
      hostname: fc.option(fc.constantFrom('a', 'A', 'b', '71233efd', ''), { nil: null }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(named, { selector: ({ server_uuid }) => server_uuid, maxLength: 12 }), (machines) => {
        const names = namesOf(...machines);
        expect(new Set(names).size).toBe(machines.length);
      }),
    );
  });
});
