import type { JoinToken } from '../../client/api.ts';
import { parseDuration } from '../../domain/duration.ts';
import { type Context, printJson } from '../context.ts';
import { formatTable } from '../table.ts';
import { ago, formatAge } from '../text.ts';

export interface TokenCreateOptions {
  readonly name: string;
  readonly expires?: string;
  readonly maxUses?: number;
}

export async function tokenCreate(context: Context, options: TokenCreateOptions): Promise<void> {
  const { client, clock } = context;
  const token = await client.createToken({
    name: options.name,
    ...(options.expires !== undefined && { expires_at: expiry(options.expires, clock.now()) }),
    ...(options.maxUses !== undefined && { max_uses: options.maxUses }),
  });
  if (context.format === 'json') return printJson(context, token);
  // The secret alone on stdout, so that a script takes it as it is.
  context.err(`join token ${token.id}; this is the only time that it is shown:\n`);
  context.out(`${token.secret}\n`);
}

export async function tokenList(context: Context): Promise<void> {
  const tokens = await context.client.tokens();
  if (context.format === 'json') {
    for (const token of tokens) printJson(context, token);
    return;
  }
  context.out(tokenTable(tokens, context));
}

export async function tokenRevoke(context: Context, id: string): Promise<void> {
  const token = await context.client.revokeToken(id);
  if (context.format === 'json') return printJson(context, token);
  context.out(`join token ${id} is revoked; machines that joined with it stay\n`);
}

export async function tokenDelete(context: Context, id: string): Promise<void> {
  await context.client.deleteToken(id);
  if (context.format === 'json') return;
  context.out(`join token ${id} is deleted\n`);
}

function tokenTable(tokens: readonly JoinToken[], { style, clock, format }: Context): string {
  const now = clock.now();
  const wide = format === 'wide';
  const header = ['ID', 'NAME', 'STATE', 'USES', 'EXPIRES', 'LAST USED', 'AGE'];
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    { text: token.state, paint: token.state === 'valid' ? style.green : style.dim },
    `${token.uses}${token.max_uses === null ? '' : `/${token.max_uses}`}`,
    expiryText(token.expires_at, now),
    ago(token.last_used_at, now),
    ago(token.created_at, now),
    ...(wide ? [token.created_at, token.expires_at ?? '-', token.revoked_at ?? '-'] : []),
  ]);
  return formatTable(wide ? [...header, 'CREATED AT', 'EXPIRES AT', 'REVOKED AT'] : header, rows);
}

function expiryText(time: string | null, now: number): string {
  if (time === null) return 'never';
  const left = Date.parse(time) - now;
  return left > 0 ? `in ${formatAge(left)}` : `${formatAge(-left)} ago`;
}

/** RFC 3339 as it is; a duration from now. The API checks the rest. */
function expiry(text: string, now: number): string {
  return /^\d{4}-/.test(text) ? text : new Date(now + parseDuration(text)).toISOString();
}
