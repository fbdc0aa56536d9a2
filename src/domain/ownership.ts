import { SiderolinkError } from './errors.ts';
import type { Ownership } from './record.ts';

/** The fields of `Ownership`, in the order in which they are shown. */
export const OWNERSHIP_FIELDS = [
  'owner',
  'namespace',
  'cluster',
  'metal_machine',
  'machine',
] as const satisfies readonly (keyof Ownership)[];

/** What a claim asks for: at least an owner. */
export type Claim = Ownership & { readonly owner: string };

/** Bytes of UTF-8 in a value: the longest name that Kubernetes gives to anything. */
const MAX_BYTES = 253;
/** Stands for "no owner" in subjects and queries, so nobody may be called so. */
const NO_OWNER = '_';

const FIELD_RULE = `1 to ${MAX_BYTES} bytes of UTF-8, no control characters, not only white space`;

/**
 * Ownership from a caller's object. A field that is undefined is absent.
 * @throws SiderolinkError `invalid_argument`, with the offending `field` in its details
 */
export function parseOwnership(record: Readonly<Record<string, unknown>>): Ownership {
  for (const name of Object.keys(record)) {
    if (!isField(name)) throw refused(name, `unknown; there are ${OWNERSHIP_FIELDS.join(', ')}`);
  }
  const ownership: { -readonly [Field in keyof Ownership]: string } = {};
  for (const field of OWNERSHIP_FIELDS) {
    const value = Object.hasOwn(record, field) ? record[field] : undefined;
    if (value !== undefined) ownership[field] = checkedValue(field, value);
  }
  return Object.freeze(ownership);
}

/** As `parseOwnership`, for a claim. @throws SiderolinkError `invalid_argument`, also if there is no owner */
export function parseClaim(record: Readonly<Record<string, unknown>>): Claim {
  const ownership = parseOwnership(record);
  if (!isClaim(ownership)) throw refused('owner', 'a claim must have an owner');
  return ownership;
}

/** Whether two ownerships say the same in all five fields. */
export function sameOwnership(a: Ownership, b: Ownership): boolean {
  return OWNERSHIP_FIELDS.every((field) => a[field] === b[field]);
}

/**
 * Whether a machine with this ownership may be claimed so: nobody owns it, or the claimant does already. A claim
 * without an owner never may. (A transfer from owner to owner is another matter: it is conditional on a version.)
 */
export function claimable(current: Ownership, wanted: Ownership): boolean {
  return isClaim(wanted) && (current.owner === undefined || current.owner === wanted.owner);
}

function isClaim(ownership: Ownership): ownership is Claim {
  return ownership.owner !== undefined;
}

function isField(name: string): name is (typeof OWNERSHIP_FIELDS)[number] {
  return (OWNERSHIP_FIELDS as readonly string[]).includes(name);
}

function checkedValue(field: keyof Ownership, value: unknown): string {
  if (typeof value !== 'string') throw refused(field, `must be a string of ${FIELD_RULE}`);
  // A lone surrogate has no UTF-8: it would come back from the store as another text.
  const valid = value.trim() !== '' && value.isWellFormed() && !/\p{Cc}/u.test(value);
  if (!valid || Buffer.byteLength(value) > MAX_BYTES) throw refused(field, `must be ${FIELD_RULE}`);
  if (field === 'owner' && value === NO_OWNER) {
    throw refused(field, `"${NO_OWNER}" stands for no owner in subjects; choose another name`);
  }
  return value;
}

function refused(field: string, why: string): SiderolinkError {
  const shown = field.length <= 80 ? field : `${field.slice(0, 79)}…`;
  return new SiderolinkError('invalid_argument', `ownership field ${JSON.stringify(shown)}: ${why}`, { field: shown });
}
