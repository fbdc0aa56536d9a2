import type { Config } from '../config/config.ts';
import { errorMessage } from '../domain/errors.ts';
import type { PublicKey } from '../domain/keys.ts';
import { BootTable } from '../fleet/boots.ts';
import { MachineChanges } from '../fleet/changes.ts';
import { Fleet } from '../fleet/fleet.ts';
import { LinkRecorder } from '../fleet/links.ts';
import { LostKeeper } from '../fleet/lost.ts';
import { ProvisionalKeeper } from '../fleet/provisional.ts';
import { StatusTable } from '../fleet/status.ts';
import { openRecordLog } from '../stream/record-log.ts';
import { PollingLinkMonitor } from '../wireguard/link-monitor.ts';
import { SeparateRunner } from '../wireguard/separate-runner.ts';
import type { Base } from './base.ts';
import { createDevice, desiredPeers } from './device.ts';
import { keepingOf } from './keeping.ts';
import type { Lifecycle } from './lifecycle.ts';
import { createMetrics } from './metrics.ts';
import { Repairer } from './repairer.ts';
import { type Installation, stateFiles } from './state-dir.ts';

/** What is kept and what it is about: record log, fleet, device, links. */
export async function startCore(
  config: Config,
  installation: Installation,
  base: Base,
  lifecycle: Lifecycle,
  onFatal: (error: unknown) => void,
) {
  const metrics = createMetrics(base.health);
  const log = await lifecycle.start(
    'store',
    () =>
      openRecordLog(
        { path: stateFiles(config.state_dir).database, prefix: config.publish.prefix, ...keepingOf(config) },
        { ...base, metrics: metrics.registry },
      ),
    (opened, deadlineMs) => opened.close(deadlineMs),
  );
  log.onFatal(onFatal);

  const { clock } = base;
  const boots = new BootTable({}, { image: log.image, clock });
  const statuses = new StatusTable(
    { negativeAddressFilter: config.status.negative_address_filter },
    { image: log.image, clock },
  );
  const runner = new SeparateRunner();
  await lifecycle.run('system commands', runner);
  const device = createDevice(config, installation, { ...base, runner, metrics: metrics.wireguard });
  const lastTold = (key: PublicKey) => {
    const boot = boots.ofKey(key);
    return boot === undefined ? undefined : statuses.toldLink(boot);
  };
  const links = new PollingLinkMonitor(
    { lastTold },
    { ...base, device, metrics: metrics.wireguard, onUnreadable: () => repairer.wake() },
  );
  const fleet = new Fleet(
    {
      overlay: installation.overlay,
      uniqueTokenKey: installation.identity.uniqueTokenKey,
      tunnel: config.join.tunnel,
    },
    { log, boots, statuses, links, wireguard: device, clock, metrics: metrics.fleet },
  );

  // All has been read that is made of them.
  log.forgetRows();
  await resumeRemovals(fleet, base);

  const changes = new MachineChanges({}, { ...base, machines: fleet.machines, boots, statuses, log });
  await lifecycle.run('machine changes', changes);

  const repair = () => device.reconcile(desiredPeers(config, fleet.machines, statuses, fleet.tunnelSources));
  const repairer = new Repairer({}, { ...base, repair });
  await lifecycle.run('WireGuard', device);
  await lifecycle.run('WireGuard repair', repairer);
  await lifecycle.run(
    'link records',
    new LinkRecorder(
      {},
      {
        ...base,
        links,
        machines: fleet.machines,
        boots,
        statuses,
        tunnelSources: fleet.tunnelSources,
        log,
        metrics: metrics.fleet,
      },
    ),
  );
  await lifecycle.run('link monitor', links);
  await lifecycle.run(
    'lost machines',
    new LostKeeper({}, { ...base, machines: fleet.machines, statuses, links, changes, metrics: metrics.fleet }),
  );
  await lifecycle.run(
    'provisional identities',
    new ProvisionalKeeper({}, { ...base, roster: fleet.machines, boots, statuses, links, wireguard: device }),
  );
  return { metrics, log, boots, statuses, changes, device, links, fleet };
}

export type Core = Awaited<ReturnType<typeof startCore>>;

/** Whoever asks for a removal again ends it as well, so one that cannot be ended now keeps nothing from starting. */
async function resumeRemovals({ admin }: Fleet, { logger }: Base): Promise<void> {
  try {
    const machines = await admin.resume();
    if (machines.length > 0) logger.info({ machines }, 'the last records of removed machines were deleted');
  } catch (error) {
    logger.warn({ error: errorMessage(error) }, 'the last records of removed machines could not be deleted');
  }
}
