import type { MachineState } from './join-types.ts';
import { isOlderThan, parseTalosVersion } from './talos-version.ts';

/** Where a machine's META partition keeps its unique token and its UUID (facts/talos-client.md section 2.2). */
export const META_UNIQUE_TOKEN = 16;
export const META_UUID_OVERRIDE = 15;
export type MetaKey = typeof META_UNIQUE_TOKEN | typeof META_UUID_OVERRIDE;

/** Talos has MetaWrite since 1.6; before it sends no version either. */
const FIRST_WITH_META_WRITE = { major: 1, minor: 6 };
const MAX_TRIES = 10;
const FIRST_BACKOFF_MS = 2_000;
const MAX_BACKOFF_MS = 300_000;

/** What is known of a machine, as far as writing to it asks. */
export interface WritableMachine {
  readonly state: MachineState;
  readonly boot: number;
  readonly talosVersion: string | null;
  readonly uniqueToken: 'none' | 'offered' | 'bound' | 'proven';
  /** What it asked with, if its UUID was assigned. */
  readonly madeFor: string | null;
  readonly knowsUuid: boolean;
}

/** What was written in one boot, and how it went. */
export interface WriteProgress {
  readonly boot: number;
  /** Answered OK. */
  readonly written: readonly MetaKey[];
  /** Writes begun. */
  readonly tries: number;
  /** Failures since the last success. */
  readonly failures: number;
  /** Nothing is tried before; monotonic milliseconds. */
  readonly notBefore: number;
  /** The machine itself said that it is no use: until it reports maintenance again, or for this boot. */
  readonly halted: 'certificate_demanded' | 'unimplemented' | null;
}

/** How a try ended. `not_tried`: we could not even begin, which is not the machine's fault. */
export type TryResult = 'written' | 'failed' | 'certificate_demanded' | 'unimplemented' | 'not_tried';

export interface TokenWriteFacts {
  readonly machine: WritableMachine;
  /** What the machine reported last, with the boot of that report. */
  readonly reported: { readonly stage: string | null; readonly boot: number };
  readonly linked: boolean;
  readonly progress: WriteProgress;
  /** Monotonic milliseconds. */
  readonly now: number;
}

/** What to do next about a machine's META partition. */
export type TokenWriteStep =
  | { readonly kind: 'write'; readonly key: MetaKey }
  /** Monotonic milliseconds. */
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'wait_for_link' }
  | { readonly kind: 'nothing'; readonly why: 'idle' | 'written' | 'given_up' | 'wants_certificate' };

export function newProgress(boot: number): WriteProgress {
  return { boot, written: [], tries: 0, failures: 0, notBefore: 0, halted: null };
}

/**
 * Whether anything may be written to the machine now. Only in maintenance does it take a write without a certificate,
 * and only what it reported in this boot says that it is (DESIGN section 4, unique tokens over the link).
 */
export function mayWrite(machine: WritableMachine, reported: TokenWriteFacts['reported']): boolean {
  return isWritable(machine) && reported.stage === 'MAINTENANCE' && reported.boot === machine.boot;
}

/** Read from the top; the first line that holds answers. */
export function nextTokenWrite({ machine, reported, linked, progress, now }: TokenWriteFacts): TokenWriteStep {
  const key = missing(machine, progress);
  if (key === undefined) return { kind: 'nothing', why: progress.written.length > 0 ? 'written' : 'idle' };
  if (!mayWrite(machine, reported)) return { kind: 'nothing', why: 'idle' };
  if (progress.halted === 'certificate_demanded') return { kind: 'nothing', why: 'wants_certificate' };
  if (progress.halted === 'unimplemented' || progress.tries >= MAX_TRIES) return { kind: 'nothing', why: 'given_up' };
  if (!linked) return { kind: 'wait_for_link' };
  if (now < progress.notBefore) return { kind: 'wait', until: progress.notBefore };
  return { kind: 'write', key };
}

/** A write begins: from here on the machine may have the value. */
export function begun(progress: WriteProgress): WriteProgress {
  return { ...progress, tries: progress.tries + 1 };
}

/** After a try ended, at `now` (monotonic milliseconds). */
export function tried(progress: WriteProgress, key: MetaKey, result: TryResult, now: number): WriteProgress {
  if (result === 'written') return { ...progress, written: [...progress.written, key], failures: 0, notBefore: now };
  const failures = progress.failures + 1;
  return {
    ...progress,
    failures,
    notBefore: now + Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS),
    halted: result === 'certificate_demanded' || result === 'unimplemented' ? result : null,
  };
}

/** The machine reports maintenance: it may have left normal mode since it demanded a certificate. */
export function maintained(progress: WriteProgress): WriteProgress {
  return progress.halted === 'certificate_demanded' ? { ...progress, halted: null } : progress;
}

/**
 * The token goes first: an assigned UUID alone would be claimed by whoever sends it. A token that came back needs no
 * other, and an assigned UUID that the machine has called with is there.
 */
function missing(machine: WritableMachine, { written }: WriteProgress): MetaKey | undefined {
  const unproven = machine.uniqueToken === 'none' || machine.uniqueToken === 'offered';
  if (unproven && !written.includes(META_UNIQUE_TOKEN)) return META_UNIQUE_TOKEN;
  const untold = machine.madeFor !== null && !machine.knowsUuid;
  return untold && !written.includes(META_UUID_OVERRIDE) ? META_UUID_OVERRIDE : undefined;
}

/** One that joined and may stay, with a Talos that knows unique tokens. */
export function isWritable({ state, talosVersion }: WritableMachine): boolean {
  if (state !== 'accepted' && state !== 'pending' && state !== 'provisional') return false;
  if (talosVersion === null) return false;
  const version = parseTalosVersion(talosVersion);
  return version === undefined || !isOlderThan(version, FIRST_WITH_META_WRITE.major, FIRST_WITH_META_WRITE.minor);
}
