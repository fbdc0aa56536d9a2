import { SiderolinkError } from './errors.ts';

/** A machine's UUID, lower-case, 8-4-4-4-12. */
export type NodeUuid = string & { readonly __brand: 'NodeUuid' };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** UUIDs that tell nothing, and those of SMBIOS that whole board families share (facts/users.md A2), in both byte orders. */
const SHARED = new Set([
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '03000200-0400-0500-0006-000700080009',
  '00020003-0004-0005-0006-000700080009',
  '12345678-1234-5678-90ab-cddeefaabbcc',
  '78563412-3412-7856-90ab-cddeefaabbcc',
  'fefefefe-fefe-fefe-fefe-fefefefefefe',
]);

/** The UUID in canonical form, or undefined if the text is none. */
export function asNodeUuid(text: string): NodeUuid | undefined {
  const lower = text.toLowerCase();
  return UUID.test(lower) ? (lower as NodeUuid) : undefined;
}

/** @throws SiderolinkError `invalid_argument` */
export function parseNodeUuid(text: string): NodeUuid {
  const uuid = asNodeUuid(text);
  if (uuid === undefined) throw new SiderolinkError('invalid_argument', 'not a UUID (8-4-4-4-12 hexadecimal digits)');
  return uuid;
}

/** Whether the UUID cannot tell one machine from another: all zeros, all `f`, a vendor's constant, or no UUID. */
export function isJunkUuid(text: string): boolean {
  const uuid = asNodeUuid(text);
  return uuid === undefined || SHARED.has(uuid);
}
