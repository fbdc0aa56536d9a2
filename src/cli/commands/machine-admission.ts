import type { Context } from '../context.ts';
import { eachMachine } from './each-machine.ts';

/** Who may join: what an operator decides of machines. All may be repeated. */

export function machineAccept(context: Context, texts: readonly string[]): Promise<void> {
  return eachMachine(
    context,
    texts,
    ({ server_uuid }) => context.client.acceptMachine(server_uuid),
    ({ state }) => ({
      // One that never joined is not accepted before it does.
      done: state === 'known' ? 'is known again, and accepted when it joins' : 'is accepted',
      before: 'was accepted already',
    }),
  );
}

export function machineReject(context: Context, texts: readonly string[]): Promise<void> {
  return eachMachine(context, texts, ({ server_uuid }) => context.client.rejectMachine(server_uuid), {
    done: 'is rejected: its link is cut, and it may not join until it is accepted',
    before: 'was rejected already',
  });
}

export function machineReadmit(context: Context, texts: readonly string[]): Promise<void> {
  return eachMachine(
    context,
    texts,
    ({ server_uuid }) => context.client.readmitMachine(server_uuid),
    ({ address, state }) => ({
      done: `may join again, with its address ${address}`,
      before: `was not removed: it is ${state}`,
    }),
  );
}

export function machineResetToken(context: Context, texts: readonly string[]): Promise<void> {
  return eachMachine(context, texts, ({ server_uuid }) => context.client.resetMachineToken(server_uuid), {
    done: 'has no unique token any more: it may join as one that was installed anew',
    before: 'had no unique token',
  });
}
