import { type Check, ok, warning, wrong } from './check.ts';
import type { Facts, ToldCondition } from './facts.ts';

/** Checks of what is ours: configuration, daemon, API, ports. */

const UNIT = 'siderolinkd.service';

export function judgeConfiguration({ configuration, settings }: Facts): Check {
  const name = 'configuration';
  if (configuration.kind === 'wrong') {
    const rest =
      settings.of === 'daemon'
        ? 'the daemon does not start again with it'
        : 'the rest was judged with the defaults in its place';
    return wrong(name, configuration.message, `put it right; ${rest}`);
  }
  const file = configuration.file;
  return ok(
    name,
    file === null
      ? 'there is no file: every setting is its default or a SIDEROLINKD__… variable, without a mistake'
      : `${file} has no mistake`,
  );
}

/** Whose settings all else is judged by: what was changed in a file counts from the next start. */
export function judgeSettings({ configuration, settings, daemon }: Facts): Check {
  const name = 'settings';
  const file = configuration.kind === 'right' ? configuration.file : null;
  const written = file === null ? 'the defaults and the variables of this shell' : file;
  if (settings.of === 'here') {
    if (settings.message !== null) {
      const message = `all lines here are about ${written}, which the daemon may not be running with: ${settings.message}`;
      return warning(name, message, `systemctl restart ${UNIT}; no link is cut`);
    }
    const [who, does] =
      daemon.kind === 'silent'
        ? ['no daemon answers', 'would start with']
        : ['the daemon may not be asked', 'may run with'];
    return ok(name, `${who}, so all lines here are about what it ${does}: ${written}`);
  }
  const { differing } = settings;
  if (differing === null) return ok(name, 'all other lines are about what the daemon runs with, not about the file');
  if (differing.length === 0) return ok(name, 'what the daemon runs with is what is written here');
  const which = differing.join(', ');
  // Without a file, who started it gave it an environment or arguments that this shell has not.
  if (configuration.kind === 'right' && file === null) {
    return ok(
      name,
      `the daemon was started with others than this shell has, and all lines here are about those: ${which}`,
    );
  }
  return warning(
    name,
    `the daemon does not run with what is written in ${written}: ${which}. All lines here are about what it runs with`,
    `if the file was changed since it started: systemctl restart ${UNIT}, or start it again; no link is cut`,
  );
}

/** Links over which a handshake comes, and nothing else (facts/users.md C9). */
export function judgeLinks({ daemon }: Facts): readonly Check[] {
  if (daemon.kind !== 'answers' || daemon.links.hinted === null) return [];
  const name = 'links';
  const { up, hinted } = daemon.links;
  if (hinted === 0) return [ok(name, `${up} up, and something comes through each`)];
  const message = `${hinted} of ${up} are up, and no log line and no event of the boot came through: the path may drop large packets (MTU), or the machines were booted without talos.logging.kernel= and talos.events.sink=`;
  const find = `siderolinkctl machine list -o json | jq -r 'select(.link.hint) | .server_uuid'`;
  return [warning(name, message, `${find} names them; machine get says what to look at`)];
}

/** Joins that take minutes, as after a restart of the host: nobody else says why nothing happens. */
export function judgeJoins({ daemon }: Facts): readonly Check[] {
  if (daemon.kind !== 'answers' || daemon.joinWaits === null || daemon.joinWaits === 0) return [];
  const many = daemon.joinWaits === 1 ? '1 machine waits' : `${daemon.joinWaits} machines wait`;
  const message = `${many} to join: it is not known yet whether the boot before, which has the same UUID, still answers`;
  const find = `siderolinkctl machine list -o json | jq -r 'select(.join_wait) | .server_uuid'`;
  return [warning('joins', message, `wait: it ends by itself. ${find} names them, and machine get says until when`)];
}

export function judgeDaemon({ daemon, unit, version, network }: Facts): readonly Check[] {
  const name = 'daemon';
  switch (daemon.kind) {
    case 'silent': {
      const device = network.interface === null ? '' : '; the device is there: links that are up carry on without it';
      const start =
        unit === null
          ? 'siderolinkd run, or scripts/run of the source'
          : `systemctl start ${UNIT}; journalctl -u ${UNIT} tells why it ended`;
      return [wrong(name, `${daemon.message}${device}`, start)];
    }
    case 'forbidden':
      return [warning(name, daemon.message, 'run this as root')];
    case 'answers':
      return [judgeVersion(daemon.version, version, daemon.ready), ...judgeConditions(daemon.conditions)];
  }
}

function judgeVersion(running: string, installed: string, ready: boolean): Check {
  const name = 'daemon';
  if (running === installed) return ok(name, `version ${running} answers, ${ready ? 'ready' : 'not ready'}`);
  const message = `version ${running} runs, and ${installed} is installed`;
  return warning(name, message, `systemctl restart ${UNIT}; no link is cut`);
}

/** Conditions of the daemon that checks of ours find as well, and say more of. */
const OURS: readonly string[] = ['endpoint', 'api_plaintext', 'api_certificate'];

/** A condition says itself what to do about it; these need a command of the host. */
const REMEDIES: Readonly<Record<string, string>> = {
  overlay_allow_group:
    'nothing, where no other local user is to reach machines (talosctl); else groupadd with that name, and restart',
};

function judgeConditions(conditions: readonly ToldCondition[]): readonly Check[] {
  return conditions
    .filter(({ name, severity }) => severity !== 'ok' && !OURS.includes(name))
    .map(({ name, severity, message }) => {
      return { name: `condition ${name}`, severity, message, remedy: REMEDIES[name] ?? null };
    });
}

export function judgeUnit({ unit, daemon }: Facts): Check {
  const name = 'unit';
  const answers = daemon.kind === 'answers';
  if (unit === null) return ok(name, 'there is no systemd here, so nobody starts siderolinkd again when it ends');
  if (unit.load === 'not-found') {
    const message = 'there is no siderolinkd.service';
    return answers
      ? ok(name, `${message}; the daemon was started by hand`)
      : wrong(name, message, 'scripts/install of the source puts it there');
  }
  if (unit.load !== 'loaded') return wrong(name, `${UNIT} is ${unit.load}`, `systemctl status ${UNIT} says why`);
  if (unit.active === 'failed') return wrong(name, `${UNIT} has failed`, `journalctl -u ${UNIT} -e says why`);
  if (unit.active !== 'active') {
    if (answers)
      return warning(name, `${UNIT} is ${unit.active}, and a daemon answers: it was started by hand`, END_IT);
    return wrong(name, `${UNIT} is ${unit.active}`, `systemctl enable --now ${UNIT}`);
  }
  if (unit.enabled === 'disabled') {
    return warning(name, `${UNIT} runs, and will not after the next boot`, `systemctl enable ${UNIT}`);
  }
  return ok(name, `${UNIT} is active and ${unit.enabled === '' ? 'started by another' : unit.enabled}`);
}

const END_IT = `end that one, and systemctl enable --now ${UNIT}, so that it is started again when it ends`;

export function judgeEndpoints({ endpoints: { configured, endpoints } }: Facts): Check {
  const name = 'endpoints';
  const set = 'set wireguard.endpoints to what machines reach, best first, as ["gateway.example.com:51821"]';
  const lost = endpoints.filter(({ addresses }) => addresses === null || addresses.length === 0);
  if (lost.length > 0) {
    const names = lost.map(({ endpoint }) => endpoint).join(', ');
    return wrong(name, `${names}: the name has no address`, 'put the name into DNS, or correct wireguard.endpoints');
  }
  const shown = endpoints.map(({ endpoint }) => endpoint).join(', ');
  const [first] = endpoints;
  if (first === undefined) return wrong(name, 'there is none that machines could dial', set);
  const isPublic = endpoints.some(({ addresses }) => addresses?.some((address) => address.isPublic) === true);
  if (isPublic) return ok(name, `machines dial ${shown}, which is public`);
  const message = `machines dial ${shown}, which is private: only machines of that network reach it`;
  // Who wrote it there knows; who did not may be behind a NAT without knowing.
  return configured ? ok(name, message) : warning(name, message, `if others are to join, ${set}`);
}

export function judgeApi({ config, certificates }: Facts): readonly Check[] {
  const { self_signed, cert_file } = config.api.tls;
  const checks: Check[] = certificates.map(({ setting, severity, message }) => {
    const name = `certificate ${setting}`;
    if (severity === 'ok') return ok(name, message);
    return {
      name,
      severity,
      message,
      remedy: `renew or replace the files of ${setting}; they are taken up by themselves`,
    };
  });
  if (!self_signed && cert_file === null && config.api.url?.startsWith('https:') === true) {
    checks.push(
      ok('api', 'machines call the API with TLS, by api.url, which ends at a proxy: we speak plaintext with it'),
    );
  } else if (!self_signed && cert_file === null) {
    checks.push(
      warning(
        'api',
        'machines call the API in plaintext: anyone on the path can answer in our place, and own machines in maintenance',
        'set api.tls.cert_file and key_file, or api.tls.self_signed: true (Talos 1.11 or newer)',
      ),
    );
  } else if (self_signed) {
    checks.push(
      ok(
        'api',
        'machines call the API with TLS of our own authority, which they must be told of (Talos 1.11 or newer)',
      ),
    );
  }
  return checks;
}

export function judgePorts({ daemon, ports, network }: Facts): Check {
  const name = 'ports';
  if (daemon.kind === 'answers') return ok(name, 'the daemon has those that it listens on');
  if (ports === null) return ok(name, 'it could not be found out which are taken');
  // The device keeps its port when the daemon ends, on purpose: links go on.
  const foreign = ports.filter(({ taken, protocol }) => taken && !(protocol === 'udp' && network.interface !== null));
  if (foreign.length === 0) {
    return ok(name, `${ports.map(({ protocol, port }) => `${protocol} ${port}`).join(', ')} are free`);
  }
  const taken = foreign.map(({ setting, protocol, port }) => `${protocol} ${port} (${setting})`).join(', ');
  const message = `taken by another program: ${taken}`;
  const remedy = 'ss -lntup names it: end it, or choose another port';
  return daemon.kind === 'forbidden'
    ? ok(name, `taken, perhaps by the daemon: ${taken}`)
    : wrong(name, message, remedy);
}
