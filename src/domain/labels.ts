import { SiderolinkError } from './errors.ts';

/** What the control plane calls a machine by: an immutable map of label key to value. */
export type Labels = Readonly<Record<string, string>>;

export interface LabelChange {
  readonly set?: Readonly<Record<string, unknown>>;
  readonly unset?: readonly string[];
}

/** A machine has at most so many labels: they are in every view and every `machine` record of it. */
export const MAX_LABELS = 64;

// The limits and the alphabets are those of Kubernetes, so that labels can be carried over from there and to there.
const MAX_PREFIX_LENGTH = 253;
const MAX_NAME_LENGTH = 63;
const MAX_VALUE_LENGTH = 63;

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

const NAME_RULE = `1 to ${MAX_NAME_LENGTH} of A-Z a-z 0-9 - _ . that begin and end with a letter or digit`;
const PREFIX_RULE = `a DNS name in lower case of at most ${MAX_PREFIX_LENGTH} characters`;
const KEY_RULE = `${NAME_RULE}, optionally behind ${PREFIX_RULE} and a "/"`;
const VALUE_RULE = `empty, or ${NAME_RULE}`;

/** What a label key should be, if this is none; undefined if it is one. */
export function labelKeyFault(key: string): string | undefined {
  const parts = key.split('/', 3);
  if (parts.length > 2) return `a label key is ${KEY_RULE}`;
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix !== undefined && (prefix.length > MAX_PREFIX_LENGTH || !DNS_SUBDOMAIN.test(prefix))) {
    return `before the "/" of a label key stands ${PREFIX_RULE}`;
  }
  if (name.length <= MAX_NAME_LENGTH && NAME.test(name)) return undefined;
  return prefix === undefined ? `a label key is ${KEY_RULE}` : `after the "/" of a label key stand ${NAME_RULE}`;
}

/** What a label value should be, if this is none; undefined if it is one. */
export function labelValueFault(value: string): string | undefined {
  if (value === '' || (value.length <= MAX_VALUE_LENGTH && NAME.test(value))) return undefined;
  return `a label value is ${VALUE_RULE}`;
}

/**
 * Labels from a caller's object: valid keys and values, at most `MAX_LABELS`.
 * @throws SiderolinkError `invalid_argument`, with the offending `key` in its details
 */
export function parseLabels(record: Readonly<Record<string, unknown>>): Labels {
  const entries = Object.entries(record);
  checkCount(entries.length);
  const labels: Record<string, string> = {};
  for (const [key, value] of entries) {
    checkKey(key);
    labels[key] = checkedValue(key, value);
  }
  return Object.freeze(labels);
}

/**
 * The labels after a change: the same object if nothing is different. To unset what is not there is no mistake.
 * @throws SiderolinkError `invalid_argument` for a bad key or value, for a key that is both set and unset, and if more
 * than `MAX_LABELS` would remain
 */
export function changeLabels(labels: Labels, change: LabelChange): Labels {
  const set = parseLabels(change.set ?? {});
  const next = new Map(Object.entries(labels));
  let changed = false;
  for (const key of change.unset ?? []) {
    checkKey(key);
    if (Object.hasOwn(set, key)) throw refused(key, 'it cannot be both set and unset');
    if (next.delete(key)) changed = true;
  }
  for (const [key, value] of Object.entries(set)) {
    if (next.get(key) === value) continue;
    next.set(key, value);
    changed = true;
  }
  if (!changed) return labels;
  checkCount(next.size);
  return Object.freeze(Object.fromEntries(next));
}

function checkCount(count: number): void {
  if (count <= MAX_LABELS) return;
  throw new SiderolinkError('invalid_argument', `a machine has at most ${MAX_LABELS} labels, not ${count}`, { count });
}

function checkKey(key: string): void {
  const fault = labelKeyFault(key);
  if (fault !== undefined) throw refused(key, fault);
}

function checkedValue(key: string, value: unknown): string {
  if (typeof value !== 'string') throw refused(key, 'a label value is a string');
  const fault = labelValueFault(value);
  if (fault !== undefined) throw refused(key, fault);
  return value;
}

function refused(key: string, why: string): SiderolinkError {
  // A key that is refused may be anything: what is told of it is short and shows control characters as escapes.
  const shown = JSON.stringify(key.length <= 80 ? key : `${key.slice(0, 79)}…`);
  return new SiderolinkError('invalid_argument', `label ${shown}: ${why}`, { key: shown });
}
