import { SiderolinkError } from './errors.ts';
import type { MachineState } from './join-types.ts';

/** What a control plane may ask of a machine. */
export type LifeAction =
  | 'register'
  | 'accept'
  | 'reject'
  | 'claim'
  | 'release'
  | 'label'
  | 'condition'
  | 'tunnel'
  | 'reset-token'
  | 'remove'
  | 'readmit';

/** What the decision rests on. */
export interface Life {
  readonly state: MachineState;
  /** It had a key at some time. */
  readonly joined: boolean;
  /** It was removed as an identity that nobody had accepted. */
  readonly removedProvisional: boolean;
}

/**
 * `keep`: the machine is as it is asked to be, or the action is none that concerns its state, which stays. `become`: it
 * goes to another state. Ownership, labels, tokens, key and address are never touched by a change of state.
 */
export type LifeDecision =
  | { readonly kind: 'keep' }
  | { readonly kind: 'become'; readonly state: MachineState }
  /** `message` says what to do instead. */
  | { readonly kind: 'refuse'; readonly message: string };

type Outcome = LifeDecision | ((life: Life) => LifeDecision);

const KEEP: LifeDecision = { kind: 'keep' };
const ACCEPTED: LifeDecision = { kind: 'become', state: 'accepted' };
const REJECTED: LifeDecision = { kind: 'become', state: 'rejected' };
const REMOVED: LifeDecision = { kind: 'become', state: 'removed' };
const GONE = refuse('the machine is removed: readmit it first');
const JOINED = refuse('the machine has joined already: claim and label it instead');

/** A machine that never joined becomes accepted by joining, under every policy. */
const letIn = ({ joined }: Life): LifeDecision => (joined ? ACCEPTED : { kind: 'become', state: 'known' });

/** What may be changed in any state but `removed`, and changes none. */
const WHILE_THERE = {
  known: KEEP,
  pending: KEEP,
  accepted: KEEP,
  rejected: KEEP,
  provisional: KEEP,
  expired: KEEP,
  removed: GONE,
} as const satisfies Record<MachineState, Outcome>;

const TABLE: Readonly<Record<LifeAction, Readonly<Record<MachineState, Outcome>>>> = {
  register: {
    known: KEEP,
    pending: JOINED,
    accepted: JOINED,
    rejected: ({ joined }) => (joined ? JOINED : refuse('the machine is rejected: accept it first')),
    provisional: JOINED,
    expired: JOINED,
    removed: GONE,
  },
  accept: {
    known: refuse('the machine has not joined yet: it is accepted when it does'),
    pending: ACCEPTED,
    accepted: KEEP,
    rejected: letIn,
    provisional: ACCEPTED,
    expired: refuse('the provisional identity has expired: accept it when its machine has joined again'),
    removed: GONE,
  },
  reject: {
    known: REJECTED,
    pending: REJECTED,
    accepted: REJECTED,
    rejected: KEEP,
    provisional: REJECTED,
    expired: REJECTED,
    removed: refuse('the machine is removed, and may not join as it is'),
  },
  claim: WHILE_THERE,
  release: WHILE_THERE,
  label: WHILE_THERE,
  condition: WHILE_THERE,
  tunnel: WHILE_THERE,
  'reset-token': WHILE_THERE,
  remove: {
    known: REMOVED,
    pending: REMOVED,
    accepted: REMOVED,
    rejected: REMOVED,
    provisional: REMOVED,
    expired: REMOVED,
    removed: KEEP,
  },
  readmit: {
    ...WHILE_THERE,
    rejected: refuse('the machine is rejected, not removed: accept it'),
    // It may join again, as far as `join.max_provisional` has room for it then; to let it in is another matter.
    removed: (life) => (life.removedProvisional ? { kind: 'become', state: 'expired' } : letIn(life)),
  },
};

/** The life of a machine: which state it goes to by an action, and where an action is refused. */
export function decideLife(action: LifeAction, life: Life): LifeDecision {
  const outcome: Outcome = TABLE[action][life.state];
  return typeof outcome === 'function' ? outcome(life) : outcome;
}

/** Whether a machine in this state is an identity that nobody has accepted. */
export function isUnacceptedIdentity(state: MachineState): boolean {
  return state === 'provisional' || state === 'expired';
}

/**
 * Holds what the caller saw against what is there.
 * @throws SiderolinkError `stale`
 */
export function checkVersion(version: number, seen: number | undefined): void {
  if (seen === undefined || seen === version) return;
  throw new SiderolinkError('stale', `the machine has changed: it is at version ${version}, not ${seen}`, {
    version,
    seen,
  });
}

function refuse(message: string): LifeDecision {
  return { kind: 'refuse', message };
}
