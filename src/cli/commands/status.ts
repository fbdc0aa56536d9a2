import type { Status } from '../../client/api.ts';
import { type Context, printJson } from '../context.ts';
import { formatFields, formatTable } from '../table.ts';
import { ago, printable } from '../text.ts';

export async function status(context: Context): Promise<void> {
  const status = await context.client.status();
  if (context.format === 'json') return printJson(context, status);
  context.out(formatStatus(status, context));
}

function formatStatus(status: Status, { style, clock }: Context): string {
  const now = clock.now();
  const state = status.ready ? style.green('ready') : style.red('not ready');
  const plaintext = status.api.url.startsWith('grpc://') ? ` ${style.yellow('(plaintext)')}` : '';
  const { wireguard, overlay, sinks, machines, join_tokens: tokens } = status;
  const fields = formatFields([
    ['siderolinkd', `${status.version}, up ${ago(status.started_at, now)}, ${state}`],
    ['installation', status.installation],
    ['overlay', `${overlay.prefix}, server ${overlay.server}`],
    ['public key', wireguard.public_key],
    [
      'wireguard',
      `${wireguard.backend}, port ${wireguard.listen_port}, endpoints ${wireguard.endpoints.join(', ') || 'none'}`,
    ],
    ['api', `${status.api.url}${plaintext}`],
    ['sinks', `kernel logs [${overlay.server}]:${sinks.kmsg_port}, events [${overlay.server}]:${sinks.events_port}`],
    [
      'machines',
      `${machines.total}${counts(machines.by_state)}; links${counts(machines.by_link, '')}${hinted(machines)}${waiting(machines)}`,
    ],
    ['join tokens', `${tokens.total}, ${tokens.valid} valid`],
    ['records', `up to seq ${status.records.head}`],
    ...(status.publish === null ? [] : [['publishing', publishing(status.publish, now)] as const]),
  ]);
  const paint = { ok: style.green, warning: style.yellow, error: style.red };
  const rows = status.conditions.map(({ name, severity, message, since }) => [
    { text: name, paint: (text: string) => text },
    { text: severity, paint: paint[severity] },
    ago(since, now),
    printable(message),
  ]);
  return rows.length === 0 ? fields : `${fields}\n${formatTable(['CONDITION', 'STATE', 'SINCE', 'MESSAGE'], rows)}`;
}

function publishing(publish: NonNullable<Status['publish']>, now: number): string {
  const { stream, server, waiting, oldest_waiting: oldest, problem } = publish;
  const where = server === null ? 'not connected to NATS' : `to stream ${stream} on ${server}`;
  const lag = waiting === 0 ? 'nothing waits' : `${waiting} waiting`;
  const age = oldest === null ? '' : `, the oldest since ${ago(oldest, now)}`;
  return printable(`${where}, ${lag}${age}${problem === null ? '' : `: ${problem}`}`);
}

/** What `machine get` shows as a hint. */
function hinted({ with_link_hint: count }: Status['machines']): string {
  return count > 0 ? `; ${count} up and nothing comes through` : '';
}

/** What `machine get` shows as a join that waits; a daemon of before does not count them. */
function waiting({ with_join_wait: count }: Partial<Status['machines']>): string {
  return count === undefined || count === 0 ? '' : `; ${count} ${count === 1 ? 'waits' : 'wait'} to join`;
}

function counts(byName: Readonly<Record<string, number>>, lead = ':'): string {
  const parts = Object.entries(byName).map(([name, count]) => `${count} ${name}`);
  return parts.length === 0 ? (lead === '' ? ' none' : '') : `${lead} ${parts.join(', ')}`;
}
