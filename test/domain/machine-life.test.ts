import { describe, expect, it } from 'vitest';
import { MACHINE_STATES, type MachineState } from '../../src/domain/join-types.ts';
import { checkVersion, decideLife, type LifeAction } from '../../src/domain/machine-life.ts';

/** `=` stays as it is, `!` is refused, else the new state. */
function outcome(action: LifeAction, state: MachineState, more: { joined?: boolean; identity?: boolean } = {}): string {
  const { joined = state !== 'known', identity = false } = more;
  const decision = decideLife(action, { state, joined, removedProvisional: identity });
  return decision.kind === 'keep' ? '=' : decision.kind === 'refuse' ? '!' : decision.state;
}

describe('the life of a machine', () => {
  // One row an action, one column a state; all but the known one have joined.
  const TABLE: readonly (readonly [LifeAction, ...string[]])[] = [
    //              known       pending     accepted    rejected    provisional expired     removed
    ['register', '=', '!', '!', '!', '!', '!', '!'],
    ['accept', '!', 'accepted', '=', 'accepted', 'accepted', '!', '!'],
    ['reject', 'rejected', 'rejected', 'rejected', '=', 'rejected', 'rejected', '!'],
    ['claim', '=', '=', '=', '=', '=', '=', '!'],
    ['release', '=', '=', '=', '=', '=', '=', '!'],
    ['label', '=', '=', '=', '=', '=', '=', '!'],
    ['reset-token', '=', '=', '=', '=', '=', '=', '!'],
    ['remove', 'removed', 'removed', 'removed', 'removed', 'removed', 'removed', '='],
    ['readmit', '=', '=', '=', '!', '=', '=', 'accepted'],
  ];

  it.each(TABLE.map(([action, ...expected]) => ({ action, expected })))('$action', ({ action, expected }) => {
    expect(MACHINE_STATES.map((state) => outcome(action, state))).toEqual(expected);
  });

  it('a machine that never joined is known again when it is let in', () => {
    expect(outcome('accept', 'rejected', { joined: false })).toBe('known');
    expect(outcome('readmit', 'removed', { joined: false })).toBe('known');
    expect(outcome('register', 'rejected', { joined: false })).toBe('!');
  });

  it('an identity that nobody had accepted may join again when it is readmitted, and is accepted by nobody', () => {
    expect(outcome('readmit', 'removed', { identity: true })).toBe('expired');
  });

  it('every refusal says what the state is', () => {
    for (const [action] of TABLE) {
      for (const state of MACHINE_STATES) {
        const decision = decideLife(action, { state, joined: state !== 'known', removedProvisional: false });
        if (decision.kind === 'refuse') expect(decision.message).toMatch(/removed|rejected|joined|expired/);
      }
    }
  });

  it('an action repeated on its own result changes nothing more', () => {
    for (const [action] of TABLE) {
      for (const state of MACHINE_STATES) {
        const next = outcome(action, state);
        if (next === '=' || next === '!') continue;
        expect(outcome(action, next as MachineState), `${action} ${state}`).toBe('=');
      }
    }
  });
});

describe('the version that a change is based on', () => {
  it('must be the one that is there, if one is given', () => {
    expect(() => checkVersion(7, undefined)).not.toThrow();
    expect(() => checkVersion(7, 7)).not.toThrow();
    expect(() => checkVersion(7, 6)).toThrow(
      expect.objectContaining({ code: 'stale', details: { version: 7, seen: 6 } }),
    );
    expect(() => checkVersion(7, 8)).toThrow(expect.objectContaining({ code: 'stale' }));
  });
});
