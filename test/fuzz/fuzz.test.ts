import { describe, test } from 'vitest';
import { chosen, runTarget, scaleOf } from './run.ts';
import { controlSocket, hostileMachine } from './targets/peers.ts';
import { TARGETS } from './targets.ts';

// The same inputs each time: what fails here failed before. `npm run test:long` looks for what is new.
const SCALE = scaleOf({ seed: 1, inputs: 6_000, least: 60 });
const PEER_INPUTS = 120;
const targets = chosen(TARGETS);

describe('kept inputs and some others', () => {
  test.each(targets.map((target) => [target.name, target] as const))('%s', async (_, target) => {
    await runTarget(target, SCALE, targets);
  });

  test.each([
    ['a machine', hostileMachine],
    ['callers of the control socket', controlSocket],
  ] as const)('over a connection: %s', async (_, open) => {
    await using peer = await open();
    await runTarget(peer.target, { ...SCALE, inputs: PEER_INPUTS }, [peer.target]);
  });
});
