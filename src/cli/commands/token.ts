import type { CreatedJoinToken, JoinToken, JoinTokenDetails } from '../../client/api.ts';
import { errorCode } from '../../domain/errors.ts';
import { confirm } from '../confirm.ts';
import { type Context, printJson } from '../context.ts';
import { resolveToken } from '../resolve.ts';
import { formatFields, formatTable } from '../table.ts';
import { ago, fromNow, labelText, ownershipText, printable } from '../text.ts';
import { expiry, type Labels, type OwnershipOptions, ownershipOf } from '../tree/values.ts';
import { withHint } from './each-machine.ts';

export interface TokenCreateOptions extends OwnershipOptions {
  readonly name: string;
  readonly expires?: string;
  readonly maxUses?: number;
  readonly uuid?: string;
  readonly label?: Labels;
}

export async function tokenCreate(context: Context, options: TokenCreateOptions): Promise<void> {
  const { client, clock } = context;
  const token = await client.createToken({
    name: options.name,
    ...(options.expires !== undefined && { expires_at: expiry(options.expires, clock.now()) }),
    ...(options.maxUses !== undefined && { max_uses: options.maxUses }),
    ...(options.uuid !== undefined && { node_uuid: options.uuid }),
    ...(options.label !== undefined && { labels: options.label }),
    ...ownershipOf(options),
  });
  showSecret(context, token, `join token ${token.id}`);
}

export interface TokenRotateOptions {
  readonly overlap: string;
  readonly expires?: string;
}

export async function tokenRotate(context: Context, given: string, options: TokenRotateOptions): Promise<void> {
  const { client, clock } = context;
  const { overlap } = options;
  const expires = options.expires === undefined ? {} : { expires_at: expiry(options.expires, clock.now()) };
  const id = await resolveToken(client, given);
  const token = await client.rotateToken(id, { overlap, ...expires });
  const until = /^0/.test(overlap) ? 'which has ended' : `which ends in ${overlap} at the latest`;
  showSecret(context, token, `join token ${token.id} takes the place of ${id}, ${until}`);
}

/** The secret alone on stdout, so that a script takes it as it is. */
function showSecret(context: Context, token: CreatedJoinToken, what: string): void {
  if (context.format === 'json') {
    printJson(context, token);
    return;
  }
  context.err(`${what}; this is the only time that it is shown:\n`);
  context.out(`${token.secret}\n`);
}

export async function tokenList(context: Context): Promise<void> {
  const tokens = await context.client.tokens();
  if (context.format === 'json') {
    for (const token of tokens) printJson(context, token);
    return;
  }
  context.out(tokenTable(tokens, context));
  if (tokens.length === 0) context.err('no join tokens; `siderolinkctl token create NAME` makes one\n');
}

export async function tokenGet(context: Context, given: string): Promise<void> {
  const token = await context.client.token(await resolveToken(context.client, given));
  if (context.format === 'json') return printJson(context, token);
  context.out(tokenFields(token, context));
  if (token.machines.length > 0) context.out(`\n${cutTable(token)}`);
}

export async function tokenRevoke(context: Context, given: string, options: { readonly yes?: boolean }): Promise<void> {
  const id = await resolveToken(context.client, given);
  const before = await context.client.token(id);
  const cuts = before.state === 'revoked' ? 0 : before.cuts;
  const who = cuts === 1 ? '1 machine' : `${cuts} machines`;
  if (cuts > 0 && options.yes !== true) {
    context.err(cutTable(before));
    if (!(await confirm(context, `Revoke ${id}? ${who} could not join again at the next boot.`))) {
      return context.err('nothing is revoked\n');
    }
  }
  const token = await context.client.revokeToken(id);
  if (context.format === 'json') return printJson(context, token);
  if (before.state === 'revoked') return context.out(`join token ${token.id} was revoked already\n`);
  const effect = cuts === 0 ? 'it cuts no machine' : `${who} cannot join again at the next boot`;
  context.out(`join token ${token.id} is revoked; links stay up, and ${effect}\n`);
}

export async function tokenDelete(context: Context, given: string): Promise<void> {
  let id = given;
  try {
    id = await resolveToken(context.client, given);
    await context.client.deleteToken(id);
  } catch (error) {
    if (errorCode(error) === 'conflict') throw withHint(error, `\`siderolinkctl token revoke ${id}\` does`);
    // Done is done: a script that deletes again finds what it wanted.
    if (errorCode(error) !== 'not_found') throw error;
    if (context.format !== 'json') context.out(`join token ${printable(id)} is not there\n`);
    return;
  }
  if (context.format !== 'json') context.out(`join token ${id} is deleted\n`);
}

function tokenTable(tokens: readonly JoinToken[], { style, clock, format }: Context): string {
  const now = clock.now();
  const wide = format === 'wide';
  const header = ['ID', 'NAME', 'STATE', 'USES', 'EXPIRES', 'LAST USED', 'OWNER', 'AGE'];
  const more = ['CUTS', 'UUID', 'LABELS', 'ROTATES', 'CREATED AT', 'EXPIRES AT', 'REVOKED AT'];
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    { text: token.state, paint: token.state === 'valid' ? style.green : style.dim },
    usesText(token),
    token.expires_at === null ? 'never' : fromNow(token.expires_at, now),
    ago(token.last_used_at, now),
    token.owner ?? '-',
    ago(token.created_at, now),
    ...(wide ? wideCells(token) : []),
  ]);
  return formatTable(wide ? [...header, ...more] : header, rows);
}

function wideCells(token: JoinToken): readonly string[] {
  return [
    String(token.cuts),
    token.node_uuid ?? '-',
    labelText(token.labels),
    token.rotates ?? '-',
    token.created_at,
    token.expires_at ?? '-',
    token.revoked_at ?? '-',
  ];
}

function tokenFields(token: JoinTokenDetails, { clock }: Context): string {
  const now = clock.now();
  const at = (time: string | null) => (time === null ? 'never' : `${time} (${fromNow(time, now)})`);
  const fields: (readonly [string, string])[] = [
    ['id', token.id],
    ['name', token.name === '' ? '-' : token.name],
    ['state', token.state.replace('_', ' ')],
    ['uses', usesText(token)],
    ['last used', at(token.last_used_at)],
    ['created', at(token.created_at)],
    ['expires', at(token.expires_at)],
    ...(token.revoked_at === null ? [] : [['revoked', at(token.revoked_at)] as const]),
    ...(token.rotates === null ? [] : [['takes the place of', token.rotates] as const]),
    ['only for', token.node_uuid ?? 'any machine'],
    ['gives ownership', ownershipText(token)],
    ['gives labels', labelText(token.labels)],
    ['cuts', cutsText(token)],
  ];
  return formatFields(fields.map(([name, value]) => [name, printable(value)] as const));
}

/** A token that has ended admits nobody, so what it cuts is cut at the next boot already. */
function cutsText({ cuts, state }: JoinTokenDetails): string {
  const who = cuts === 1 ? '1 machine' : `${cuts} machines`;
  if (cuts === 0 || state === 'valid' || state === 'used_up') return `${who}, were it revoked`;
  return `${who}, which cannot join again at the next boot`;
}

function cutTable({ machines }: JoinTokenDetails): string {
  const rows = machines.map((machine) => [
    machine.server_uuid,
    machine.hostname ?? '-',
    machine.state,
    machine.link,
    machine.owner ?? '-',
    machine.address,
  ]);
  return formatTable(['MACHINE', 'HOSTNAME', 'STATE', 'LINK', 'OWNER', 'ADDRESS'], rows);
}

function usesText({ uses, max_uses: max }: JoinToken): string {
  return max === null ? String(uses) : `${uses}/${max}`;
}
