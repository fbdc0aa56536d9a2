import type { MachineEvent } from '../../src/domain/event.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { MachineChanges } from '../../src/fleet/changes.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { LostKeeper } from '../../src/fleet/lost.ts';
import { machineOp } from '../../src/fleet/machine-row.ts';
import { fleetMetrics } from '../../src/fleet/metrics.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import type { Machine } from '../../src/fleet/types.ts';
import { machineViewJson } from '../../src/fleet/view.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { type Given, overlay, registryOf } from './admin-world.ts';
import { ManualClock, MemoryDevice, MemoryLinks, MemoryLog, newKey } from './fakes.ts';

/** A fleet with what follows its status, over a log in memory. */
export function statusWorld(
  machines: readonly Given[] = [{}],
  log = new MemoryLog(registryOf(machines)),
  clock = new ManualClock(),
) {
  const boots = new BootTable({}, { image: log.image, clock });
  const statuses = new StatusTable({}, { image: log.image, clock });
  const links = new MemoryLinks();
  const registry = createRegistry();
  const metrics = fleetMetrics(registry);
  const fleet = new Fleet(
    { overlay, uniqueTokenKey: Buffer.alloc(32, 7) },
    { log, boots, statuses, links, wireguard: new MemoryDevice(), clock, metrics },
  );
  const logged: string[] = [];
  const logger = createLogger('debug', { write: (line) => logged.push(line) });
  const roster = fleet.machines;
  const changes = new MachineChanges({}, { machines: roster, boots, statuses, log, clock, logger });
  changes.start();
  const keeper = new LostKeeper({}, { machines: roster, statuses, links, changes, clock, metrics });
  const machine = (id = 1): Machine => roster.row(id).machine;
  return {
    boots,
    changes,
    clock,
    fleet,
    keeper,
    links,
    log,
    logged,
    metrics,
    registry,
    statuses,
    machine,
    /** The machine sends an event of its current boot, or of another. */
    send: (event: MachineEvent, { id = 1, boot = machine(id).boot } = {}) => {
      const known = machine(id);
      const body = JSON.stringify({ type: event.message });
      const record = { machine: id, stream: 'event', boot, tags: known.tags, detail: event.message, body } as const;
      return changes.event(known, boot, event, record);
    },
    /** The machine boots anew and joins: with another key, and perhaps another Talos. */
    reboot: async (change: Partial<Machine> = {}, id = 1) => {
      const row = roster.row(id);
      const previousBoot = boots.current(id);
      const begun = boots.begin(id, newKey());
      const { publicKey: key, number: boot } = begun.boot;
      const next = { ...row, machine: { ...row.machine, key, boot, ...change } };

      await log.commit({ ops: [machineOp(next), ...begun.ops], records: [] });
      roster.table.put(next);
      roster.tell({ kind: 'boot', machine: next.machine, previousBoot });
    },
    view: (id = 1) => machineViewJson(roster.view(machine(id))),
    /** `machine.changed` records: what each says is different, and its body. */
    told: (id = 1) =>
      log.records
        .filter((record) => record.detail === 'changed' && record.machine === id)
        .map(({ body }) => JSON.parse(body) as Record<string, unknown> & { readonly changed: readonly string[] }),
    /** What a start finds, after a crash or after `changes.stop()`. */
    restarted: () => statusWorld([], log.reopen(), clock),
  };
}

export type StatusWorld = ReturnType<typeof statusWorld>;
