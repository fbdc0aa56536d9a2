import type { Config } from '../config/config.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import { startApi } from './api.ts';
import type { Base } from './base.ts';
import { startControl } from './control-api.ts';
import { startCore } from './core.ts';
import { takeInheritedSockets, wantedSockets } from './inherited-sockets.ts';
import { Lifecycle } from './lifecycle.ts';
import { createNotifier, type Notifier } from './notify.ts';
import { startPublishing } from './publishing.ts';
import { startSinks } from './sinks.ts';
import { ensureStateDir, loadInstallation, lockStateDir } from './state-dir.ts';

export interface Daemon {
  /** Stops everything in order. Idempotent; resolves with the names of parts that did not stop cleanly. */
  stop(): Promise<readonly string[]>;
}

/**
 * Starts everything in the order in which one part needs another: store, device, sinks, API, control. Only this room
 * knows concrete classes.
 *
 * @param onFatal called when a part that everything depends on is gone
 * @throws what the failing part threw; everything started before it is stopped again
 */
export async function startDaemon(
  config: Config,
  logger: Logger,
  onFatal: (error: unknown) => void,
  clock: Clock = systemClock,
): Promise<Daemon> {
  const base: Base = { clock, logger, health: new Health(() => clock.now()) };
  const lifecycle = new Lifecycle({}, base);
  try {
    await startAll(config, base, lifecycle, onFatal);
  } catch (error) {
    // Whatever failed, and between which parts: what runs would keep the process for ever.
    await lifecycle.stop();
    throw error;
  }
  return { stop: () => lifecycle.stop() };
}

async function startAll(
  config: Config,
  base: Base,
  lifecycle: Lifecycle,
  onFatal: (error: unknown) => void,
): Promise<void> {
  const { clock, logger } = base;
  const startedAt = clock.now();
  ensureStateDir(config.state_dir);
  // Closed last: until then systemd's watchdog is fed, so a slow stop is not taken for a hang. Its open socket would keep
  // the process.
  const notifier = await lifecycle.start(
    'systemd socket',
    () => createNotifier({ env: process.env, ...base }),
    (opened) => opened.close(),
  );
  await lifecycle.start(
    'state directory',
    () => lockStateDir(config.state_dir),
    (release) => release(),
  );
  const installation = await lifecycle.start(
    'identity',
    () => loadInstallation(config.state_dir),
    () => undefined,
  );

  const wanted = wantedSockets(config, installation.overlay.server);
  // Before anything is started by which they could be inherited in turn, and before anybody is refused for a mistake.
  const sockets = await lifecycle.start(
    'inherited sockets',
    () => takeInheritedSockets(wanted, { env: process.env, pid: process.pid, ...base }),
    () => undefined,
  );

  const core = await startCore(config, installation, base, lifecycle, onFatal);
  await startSinks(config, installation, base, lifecycle, core, sockets);
  const api = await startApi(config, installation, base, lifecycle, core, sockets);
  const publishing = await startPublishing(config, installation, base, lifecycle, core);
  await startControl(config, installation, base, lifecycle, core, { ...api, ...publishing, startedAt });
  await startNotifier(notifier, base, lifecycle);
  logger.info({ overlay: installation.overlay.prefix, endpoints: api.endpoints, api: api.apiUrl }, 'ready');
}

async function startNotifier(notifier: Notifier, { health }: Base, lifecycle: Lifecycle): Promise<void> {
  const tell = () => {
    const wrong = health.conditions.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    notifier.status(wrong.length === 0 ? 'Serving machines' : wrong.join('; '));
  };
  health.onChange(tell);
  await lifecycle.run('systemd', { start: () => notifier.ready(), stop: () => notifier.stopping() });
  tell();
}
