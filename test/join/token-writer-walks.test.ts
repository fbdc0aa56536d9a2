import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import type { PublicKey } from '../../src/domain/keys.ts';
import type { Machine } from '../../src/fleet/types.ts';
import { joinMetrics } from '../../src/join/metrics.ts';
import { UniqueTokenWriter } from '../../src/join/token-writer.ts';
import { MachineApiError } from '../../src/talos/api-error.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { newKey } from '../fleet/fakes.ts';
import { closeGateways, Gateway } from './gateway.ts';

const JUNK = '00000000-0000-0000-0000-000000000000';

afterEach(closeGateways);

/** A machine as Talos is one: what is written into its META is in its next call, which it makes at once. */
class TalosMachine {
  readonly meta = new Map<number, string>();
  readonly smbios: string;
  readonly #gateway: Gateway;
  #key: PublicKey = newKey();
  address = '';

  constructor(gateway: Gateway, smbios: string = randomUUID()) {
    this.#gateway = gateway;
    this.smbios = smbios;
  }

  async call(): Promise<void> {
    const uuid = this.meta.get(15) ?? this.smbios;
    const uniqueToken = this.meta.get(16) ?? '';
    const { address } = await this.#gateway.provision({ uuid, key: this.#key, uniqueToken });
    this.address = address;
    this.#gateway.linked(this.#key);
  }

  /** The former boot is silent by then. */
  async reboot(): Promise<void> {
    this.#gateway.links.alive.delete(this.#key);
    this.#key = newKey();
    await this.call();
  }

  /** What the daemon knows of it. */
  get known(): Machine {
    return this.#gateway.at(this.address);
  }

  reportMaintenance(): void {
    const { known } = this;
    this.#gateway.statuses.fold(known, known.boot, {
      message: 'MachineStatusEvent',
      stage: 'MAINTENANCE',
      ready: false,
      unmetConditions: [],
    });
  }
}

interface Writing {
  readonly writer: UniqueTokenWriter;
  readonly log: string[];
  /** Resolves when this is what is shown of the machine. */
  shown(machine: TalosMachine, state: string): Promise<void>;
}

/** A writer on a gateway's real fleet. `lose`: so many answers are lost after the value was stored. */
function writing(gateway: Gateway, machines: readonly TalosMachine[], lose = 0): Writing {
  const { fleet, statuses, clock } = gateway;
  const log: string[] = [];
  let lost = 0;
  let heard = () => {};
  const writer = new UniqueTokenWriter(
    {},
    {
      machines: fleet.machines,
      offers: fleet.joins,
      stages: statuses,
      api: {
        metaWrite: async (address, key, value) => {
          const machine = machines.find((each) => each.address === address);
          if (machine === undefined) throw new MachineApiError('unreachable', `nobody at ${address}`);
          machine.meta.set(key, value);
          lost += 1;
          if (lost <= lose) throw new MachineApiError('broken', 'the connection was lost');
          await machine.call();
        },
      },
      writes: {
        get: (id) => fleet.tokenWrites.get(id),
        set: (id, write) => {
          fleet.tokenWrites.set(id, write);
          heard();
        },
        forget: (id) => fleet.tokenWrites.forget(id),
      },
      clock,
      logger: createLogger('debug', { write: (line) => void log.push(line) }),
      metrics: joinMetrics(createRegistry()),
    },
  );
  writer.start();
  return {
    writer,
    log,
    shown: async (machine, state) => {
      const { id } = machine.known;
      while (fleet.tokenWrites.get(id)?.state !== state) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
  };
}

test('a machine gets its token in maintenance, brings it back, and is known by it after a reboot', async () => {
  const gateway = await Gateway.start();
  const machine = new TalosMachine(gateway);
  const { shown, log } = writing(gateway, [machine]);
  await machine.call();
  expect(machine.known.uniqueToken).toBe('none');
  machine.reportMaintenance();
  await shown(machine, 'written');
  expect(machine.known).toMatchObject({ uniqueToken: 'bound', boot: 1 });
  const token = machine.meta.get(16) ?? '';
  expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const { address } = machine;
  await machine.reboot();
  machine.reportMaintenance();
  expect(machine.address).toBe(address);
  expect(machine.known).toMatchObject({ uniqueToken: 'proven', boot: 2 });
  expect(machine.meta.get(16)).toBe(token);
  const stored = JSON.stringify([...gateway.log.changes]);
  for (const text of [stored, ...log, ...gateway.logged]) expect(text).not.toContain(token);
});

test('a junk UUID: token, assigned UUID, and from then on a machine like any other', async () => {
  const gateway = await Gateway.start();
  const [one, other] = [new TalosMachine(gateway, JUNK), new TalosMachine(gateway, JUNK)];
  const { shown } = writing(gateway, [one, other]);
  for (const machine of [one, other]) {
    await machine.call();
    expect(machine.known).toMatchObject({ state: 'provisional', madeFor: JUNK, knowsUuid: false });
    machine.reportMaintenance();
    await shown(machine, 'written');
    expect(machine.meta.get(15)).toBe(machine.known.uuid);
    expect(machine.known).toMatchObject({ knowsUuid: true, uniqueToken: 'bound' });
  }
  expect(one.address).not.toBe(other.address);
  const { address } = one;
  await one.reboot();
  one.reportMaintenance();
  expect(one.known).toMatchObject({ address, state: 'accepted', uniqueToken: 'proven', boot: 2 });
});

test('a lost answer costs nothing: another token is written, and that one is bound', async () => {
  const gateway = await Gateway.start();
  const machine = new TalosMachine(gateway);
  const { shown } = writing(gateway, [machine], 1);
  await machine.call();
  machine.reportMaintenance();
  await shown(machine, 'waiting');
  expect(machine.known.uniqueToken).toBe('offered');
  const first = machine.meta.get(16);
  gateway.clock.advance(2_000);
  await shown(machine, 'written');
  expect(machine.meta.get(16)).not.toBe(first);
  expect(machine.known.uniqueToken).toBe('bound');
});

test('one whose first token was stored, but whose answer was lost, may come back with it and needs no other', async () => {
  const gateway = await Gateway.start();
  const machine = new TalosMachine(gateway);
  const { shown } = writing(gateway, [machine], 1);
  await machine.call();
  machine.reportMaintenance();
  await shown(machine, 'waiting');
  const token = machine.meta.get(16);
  await machine.call();
  await shown(machine, 'idle');
  gateway.clock.advance(600_000);
  expect(machine.known.uniqueToken).toBe('bound');
  expect(machine.meta.get(16)).toBe(token);
});
