import { existsSync } from 'node:fs';
import { ControlClient } from '../../client/client.ts';
import { type Config, DEFAULT_CONFIG_PATH, loadConfig, parseConfig } from '../../config/config.ts';
import { defaultConfig } from '../../config/defaults.ts';
import { differences } from '../../config/written.ts';
import { errorCode, errorMessage } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { version } from '../../version.ts';
import type { Runner } from '../../wireguard/runner.ts';
import type { BackendFact, ConfigurationFact, DaemonFact, Facts, SettingsFact, UnitFact } from './facts.ts';
import { certificateFacts, stateDirFact } from './gather-files.ts';
import { endpointsFact, ipv6Fact, networkFact, portFacts } from './gather-network.ts';

export interface GatherOptions {
  /** The file of `--config`. */
  readonly config?: string | undefined;
  /** The control socket, if it is another than the configuration's. */
  readonly socket?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface GatherDeps {
  readonly runner: Runner;
  readonly clock: Clock;
}

/** A daemon that takes longer to say how it is does not answer. */
const STATUS_TIMEOUT_MS = 5_000;

/** Finds out what there is to judge. Changes nothing, needs no rights; what cannot be found out is told as such. */
export async function gather(options: GatherOptions, deps: GatherDeps): Promise<Facts> {
  const read = readConfiguration(options);
  const { configuration } = read;
  const { clock } = deps;
  const { daemon, told } = await askDaemon(options.socket ?? read.config.control.socket, clock);
  const { config, settings } = chooseSettings(read, told);
  const says = daemon.kind === 'answers' ? daemon : undefined;
  const [unit, backend, endpoints, certificates, clockSynchronized] = await Promise.all([
    unitFact(deps.runner),
    backendFact(deps.runner, options.env),
    endpointsFact(config, clock, says?.endpoints),
    certificateFacts(config, clock.now(), says?.apiUrl),
    synchronized(deps.runner),
  ]);
  return {
    now: clock.now(),
    version,
    configuration,
    config,
    settings,
    daemon,
    unit,
    backend,
    programs: Object.fromEntries(['wg', 'ip', 'nft'].map((name) => [name, onPath(name, options.env)])),
    ipv6: ipv6Fact(config.overlay.interface),
    endpoints,
    certificates,
    stateDir: stateDirFact(config.state_dir),
    ports: portFacts(config),
    network: networkFact(config.overlay.interface),
    clockSynchronized,
  };
}

function readConfiguration({ config: path, env }: GatherOptions): { configuration: ConfigurationFact; config: Config } {
  try {
    const config = loadConfig({ path, env });
    const file = path ?? DEFAULT_CONFIG_PATH;
    return { configuration: { kind: 'right', file: existsSync(file) ? file : null }, config };
  } catch (error) {
    return { configuration: { kind: 'wrong', message: errorMessage(error) }, config: defaultConfig() };
  }
}

/** The settings of a daemon that answers, or why it did not tell them. */
type Told = { readonly config: Config } | { readonly message: string } | undefined;

async function askDaemon(socket: string, clock: Clock): Promise<{ readonly daemon: DaemonFact; readonly told: Told }> {
  const client = new ControlClient({ target: { socket }, timeoutMs: STATUS_TIMEOUT_MS }, { clock });
  try {
    const status = await client.status();
    const { ready, conditions, machines } = status;
    // An older daemon than this program does not count them.
    const hinted = (machines.with_link_hint as number | undefined) ?? null;
    const { backend, endpoints } = status.wireguard;
    const links = { up: machines.by_link.up ?? 0, hinted };
    const joinWaits = (machines.with_join_wait as number | undefined) ?? null;
    const { version, api } = status;
    const answers = { version, ready, backend, conditions, endpoints, apiUrl: api.url, links, joinWaits };
    const daemon = { kind: 'answers', ...answers } as const;
    return { daemon, told: await askSettings(client) };
  } catch (error) {
    if (errorCode(error) === 'unauthorized') {
      return { daemon: { kind: 'forbidden', message: errorMessage(error) }, told: undefined };
    }
    return { daemon: { kind: 'silent', message: `nobody answers on ${socket}` }, told: undefined };
  }
}

async function askSettings(client: ControlClient): Promise<Told> {
  try {
    const { settings } = await client.configuration();
    return { config: parseConfig(JSON.stringify(settings), 'of the daemon') };
  } catch (error) {
    if (errorCode(error) === 'not_found') return { message: 'its version cannot tell them' };
    return { message: errorMessage(error) };
  }
}

function chooseSettings(
  { configuration, config }: ReturnType<typeof readConfiguration>,
  told: Told,
): { readonly config: Config; readonly settings: SettingsFact } {
  if (told === undefined) return { config, settings: { of: 'here', message: null } };
  if ('message' in told) return { config, settings: { of: 'here', message: told.message } };
  const differing = configuration.kind === 'right' ? differences(config, told.config) : null;
  return { config: told.config, settings: { of: 'daemon', differing } };
}

async function unitFact(runner: Runner): Promise<UnitFact | null> {
  if (!existsSync('/run/systemd/system')) return null;
  const properties = ['LoadState', 'ActiveState', 'UnitFileState'];
  const argv = ['systemctl', 'show', 'siderolinkd.service', `--property=${properties.join(',')}`] as const;
  const text = await said(runner, argv);
  if (text === null) return null;
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  return { load: value('LoadState'), active: value('ActiveState'), enabled: value('UnitFileState') };
}

async function backendFact(runner: Runner, env: GatherOptions['env']): Promise<BackendFact> {
  const loaded = existsSync('/sys/module/wireguard');
  const canTell = onPath('modinfo', env);
  const loadable = canTell && (await said(runner, ['modinfo', '-n', 'wireguard'])) !== null;
  return {
    kernel: loaded || loadable ? true : canTell ? false : null,
    wireguardGo: onPath('wireguard-go', env),
    tun: existsSync('/dev/net/tun'),
  };
}

async function synchronized(runner: Runner): Promise<boolean | null> {
  if (!existsSync('/run/systemd/system')) return null;
  const text = await said(runner, ['timedatectl', 'show', '--property=NTPSynchronized', '--value']);
  return text === null ? null : text.trim() === 'yes';
}

/** What a command prints; null if it fails or is not there. */
async function said(runner: Runner, argv: readonly [string, ...string[]]): Promise<string | null> {
  try {
    return await runner.run(argv, { timeoutMs: 3_000 });
  } catch {
    return null;
  }
}

/** As the daemon looks for commands: Debian keeps ip and nft in sbin. */
function onPath(program: string, env: GatherOptions['env']): boolean {
  const directories = `${env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`.split(':');
  return directories.some((directory) => existsSync(`${directory}/${program}`));
}
