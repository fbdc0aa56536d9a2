import { Configuration, Status } from '../../client/api.ts';
import { version } from '../../version.ts';
import type { App, RouteDeps } from '../app.ts';
import { problemResponses } from '../responses.ts';
import type { PublishStatus } from '../types.ts';
import { tokenState } from './tokens.ts';

export function statusRoutes(app: App, deps: RouteDeps): void {
  app.get(
    '/v1/status',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'getStatus',
        summary: 'What the daemon is, and whether it is well',
        response: { 200: Status, ...problemResponses() },
      },
    },
    async () => statusJson(deps),
  );
  app.get(
    '/v1/configuration',
    {
      config: { role: 'admin' },
      schema: {
        operationId: 'getConfiguration',
        summary: 'The settings that the daemon runs with',
        description:
          'From file, environment and command line, defaults included. Of secrets it has the names of files.',
        response: { 200: Configuration, ...problemResponses() },
      },
    },
    async () => ({ settings: deps.status.status().settings }),
  );
}

function statusJson({ log, machines, tokens, health, status: source, clock }: RouteDeps): Status {
  const status = source.status();
  const byState: Status['machines']['by_state'] = {};
  const byLink: Status['machines']['by_link'] = {};
  let hinted = 0;
  let waiting = 0;
  for (const machine of machines.all()) {
    byState[machine.state] = (byState[machine.state] ?? 0) + 1;
    const { link, linkHint, joinWait } = machines.view(machine);
    byLink[link.state] = (byLink[link.state] ?? 0) + 1;
    if (linkHint !== null) hinted += 1;
    if (joinWait !== null) waiting += 1;
  }
  const list = tokens.list();
  return {
    version,
    started_at: new Date(status.startedAt).toISOString(),
    ready: health.ready,
    installation: status.installation,
    overlay: { prefix: status.overlay.prefix, server: status.overlay.server },
    wireguard: {
      public_key: status.publicKey,
      backend: status.backend,
      listen_port: status.listenPort,
      endpoints: [...status.endpoints],
    },
    api: { url: status.apiUrl },
    sinks: { kmsg_port: status.kmsgPort, events_port: status.eventsPort },
    prefix: status.prefix,
    conditions: health.conditions.map(({ name, severity, message, since }) => ({
      name,
      severity,
      message,
      since: new Date(since).toISOString(),
    })),
    machines: {
      total: machines.size,
      by_state: byState,
      by_link: byLink,
      with_link_hint: hinted,
      with_join_wait: waiting,
    },
    join_tokens: {
      total: list.length,
      valid: list.filter((token) => tokenState(token, clock.now()) === 'valid').length,
    },
    records: { head: log.head },
    publish: publishJson(status.publish),
  };
}

function publishJson(publish: PublishStatus | undefined): Status['publish'] {
  if (publish === undefined) return null;
  const { stream, server, waiting, oldest, lanesBehind, problem } = publish;
  const oldestWaiting = oldest === null ? null : new Date(oldest).toISOString();
  return { stream, server, waiting, oldest_waiting: oldestWaiting, lanes_behind: lanesBehind, problem };
}
