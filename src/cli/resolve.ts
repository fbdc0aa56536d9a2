import ipaddr from 'ipaddr.js';
import type { JoinToken, Machine } from '../client/api.ts';
import type { ControlClient } from '../client/client.ts';
import { errorCode, SiderolinkError } from '../domain/errors.ts';
import { asNodeUuid } from '../domain/uuid.ts';
import { printable } from './text.ts';

/**
 * The machine that a user means: a UUID, the beginning of one, a hostname, an address, or a UUID under which it called.
 *
 * @throws SiderolinkError `not_found`, or `invalid_argument` when several machines could be meant
 */
export async function resolveMachine(client: ControlClient, text: string): Promise<Machine> {
  const [machine] = await resolveMachines(client, [text]);
  if (machine === undefined) throw new SiderolinkError('internal', 'a machine was looked for and not found');
  return machine;
}

/** As `resolveMachine`, for each; a machine that is meant twice comes once. All are listed at most once. */
export async function resolveMachines(client: ControlClient, texts: readonly string[]): Promise<readonly Machine[]> {
  let listed: readonly Machine[] | undefined;
  const found = new Map<string, Machine>();
  for (const text of texts) {
    let machine = await byUuid(client, text);
    if (machine === undefined) {
      listed ??= await allMachines(client);
      machine = pickMachine(listed, text);
    }
    found.set(machine.server_uuid, machine);
  }
  return [...found.values()];
}

async function byUuid(client: ControlClient, text: string): Promise<Machine | undefined> {
  const uuid = asNodeUuid(text);
  if (uuid === undefined) return undefined;
  try {
    return await client.machine(uuid);
  } catch (error) {
    // It may be what a machine calls itself whose UUID is another.
    if (errorCode(error) === 'not_found') return undefined;
    throw error;
  }
}

export async function allMachines(client: ControlClient): Promise<readonly Machine[]> {
  const machines: Machine[] = [];
  for await (const machine of client.machines()) machines.push(machine);
  return machines;
}

/**
 * What the registry has given (addresses, aliases) goes before all else. What machines say of themselves and the beginning
 * of a UUID count the same: a machine whose hostname is the beginning of another's UUID would take its place in a command.
 */
export function pickMachine(machines: readonly Machine[], text: string): Machine {
  const wanted = text.toLowerCase();
  const address = canonicalAddress(text);
  const isMeant = (own: string) => address !== undefined && canonicalAddress(own) === address;
  const given = machines.filter((machine) => machine.aliases.includes(wanted) || isMeant(machine.address));
  const said = (machine: Machine) =>
    machine.hostname?.toLowerCase() === wanted ||
    machine.made_for?.toLowerCase() === wanted ||
    machine.addresses.some(isMeant) ||
    machine.server_uuid.startsWith(wanted);
  const hits = given.length > 0 ? given : machines.filter(said);
  const [first, ...others] = hits;
  if (first === undefined || wanted === '') {
    throw new SiderolinkError(
      'not_found',
      `no machine is ${JSON.stringify(text)}: give a UUID, the beginning of one, a hostname or an address (see \`siderolinkctl machine list\`)`,
    );
  }
  // A machine that was removed keeps its name, but who names it means the one that is there.
  const present = hits.filter((machine) => machine.state !== 'removed');
  const [only, ...more] = present;
  if (others.length === 0) return first;
  if (only !== undefined && more.length === 0) return only;
  const names = hits.slice(0, 5).map((machine) => `${machine.server_uuid} (${printable(machine.hostname ?? '-')})`);
  const rest = hits.length > names.length ? ` and ${hits.length - names.length} more` : '';
  throw new SiderolinkError(
    'invalid_argument',
    `${JSON.stringify(text)} may be any of ${hits.length} machines: ${names.join(', ')}${rest}; give more of the UUID`,
  );
}

/**
 * The id of the join token that a user means: an id, or the beginning of one.
 *
 * @throws SiderolinkError `not_found`, or `invalid_argument` when several tokens could be meant
 */
export async function resolveToken(client: Pick<ControlClient, 'token' | 'tokens'>, text: string): Promise<string> {
  try {
    // The path of none is that of the list.
    if (text !== '') return (await client.token(text)).id;
  } catch (error) {
    if (errorCode(error) !== 'not_found') throw error;
  }
  return pickToken(await client.tokens(), text);
}

function pickToken(tokens: readonly JoinToken[], text: string): string {
  const hits = text === '' ? [] : tokens.filter(({ id }) => id.startsWith(text));
  const [first, ...others] = hits;
  if (first === undefined) {
    throw new SiderolinkError(
      'not_found',
      `no join token is ${JSON.stringify(text)}, nor does the id of one begin so; \`siderolinkctl token list\` shows all`,
    );
  }
  if (others.length === 0) return first.id;
  const names = hits
    .slice(0, 5)
    .map(({ id, name, state }) => `${id} (${printable(name === '' ? '-' : name)}, ${state})`);
  const rest = hits.length > names.length ? ` and ${hits.length - names.length} more` : '';
  throw new SiderolinkError(
    'invalid_argument',
    `${JSON.stringify(text)} may be any of ${hits.length} join tokens: ${names.join(', ')}${rest}; give more of the id`,
  );
}

/** A machine in a sentence: its UUID, and its hostname if it has told one. */
export function nameOf({ server_uuid, hostname }: Pick<Machine, 'server_uuid' | 'hostname'>): string {
  return hostname === null || hostname === '' ? server_uuid : `${server_uuid} (${printable(hostname)})`;
}

function canonicalAddress(text: string): string | undefined {
  return ipaddr.isValid(text) && !text.includes('%') ? ipaddr.parse(text).toString() : undefined;
}
