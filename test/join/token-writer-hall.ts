import { SiderolinkError } from '../../src/domain/errors.ts';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import type { NodeUuid } from '../../src/domain/uuid.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import { TokenWrites } from '../../src/fleet/token-writes.ts';
import type { FleetEvent, Machine, Machines, MachineView } from '../../src/fleet/types.ts';
import { joinMetrics } from '../../src/join/metrics.ts';
import {
  type TokenOffers,
  UniqueTokenWriter,
  type UniqueTokenWriterDeps,
  type UniqueTokenWriterOptions,
} from '../../src/join/token-writer.ts';
import { MachineApiError, type MachineApiFault } from '../../src/talos/api-error.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { newKey } from '../fleet/fakes.ts';
import { ManualClock } from '../wireguard/manual-clock.ts';

/** A write that came to the machine's API and waits for the test to say how it ends. */
export interface Write {
  readonly machine: number;
  readonly boot: number;
  readonly key: number;
  readonly value: string;
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly signal: AbortSignal;
  end(result: 'ok' | MachineApiFault): void;
}

/** A clock that knows how many timers wait. */
class CountingClock extends ManualClock {
  timers = 0;

  override after(ms: number, callback: () => void): () => void {
    let waits = true;
    const end = () => {
      if (waits) this.timers -= 1;
      waits = false;
    };
    this.timers += 1;
    const cancel = super.after(ms, () => {
      end();
      callback();
    });
    return () => {
      end();
      cancel();
    };
  }
}

/**
 * What a UniqueTokenWriter works on: machines that the test makes and changes, with the real status table; their API,
 * which notes each write and ends it as the test says.
 */
export class Hall implements Pick<Machines, 'byId' | 'all' | 'onEvent' | 'view'>, TokenOffers {
  readonly clock = new CountingClock();
  readonly statuses: StatusTable;
  readonly writes = new TokenWrites();
  readonly registry = createRegistry();
  readonly logged: string[] = [];
  /** Every write that came to a machine, oldest first, and those that have not ended. */
  readonly wrote: Write[] = [];
  readonly running = new Set<Write>();
  /** Tokens that were offered, oldest first. */
  readonly offered: string[] = [];
  /** What the API answers at once; undefined leaves it to the test. */
  answer: 'ok' | MachineApiFault | undefined;
  /** The next offers fail. */
  failingOffers = 0;
  /** Holds offers until it is resolved. */
  offerGate: Promise<void> | undefined;
  readonly #machines = new Map<number, Machine>();
  readonly #down = new Set<number>();
  readonly #listeners: ((event: FleetEvent) => void)[] = [];

  /** @param stored status rows of a former run */
  constructor(stored: { readonly machine: number; readonly doc: string }[] = []) {
    this.statuses = new StatusTable({}, { image: { statuses: stored }, clock: this.clock });
  }

  writer(options: UniqueTokenWriterOptions = {}, deps: Partial<UniqueTokenWriterDeps> = {}): UniqueTokenWriter {
    const writer = new UniqueTokenWriter(options, {
      machines: this,
      offers: this,
      stages: this.statuses,
      api: { metaWrite: (address, key, value, signal) => this.#metaWrite(address, key, value, signal) },
      writes: this.writes,
      clock: this.clock,
      logger: createLogger('debug', { write: (line) => void this.logged.push(line) }),
      metrics: joinMetrics(this.registry),
      ...deps,
    });
    writer.start();
    return writer;
  }

  add(id: number, changes: Partial<Machine> = {}): Machine {
    const uuid = `00000000-0000-4000-8000-${String(id).padStart(12, '0')}` as NodeUuid;
    const machine: Machine = {
      id,
      uuid,
      address: `fd00::${id.toString(16)}` as OverlayAddress,
      state: 'accepted',
      tags: { id, server_uuid: uuid, ownership: {} },
      labels: {},
      key: newKey(),
      boot: 1,
      talosVersion: 'v1.11.0',
      uniqueToken: 'none',
      madeFor: null,
      knowsUuid: true,
      aliases: [],
      tunnel: null,
      tunnelled: false,
      createdAt: 0,
      joinedAt: 0,
      version: 1,
      ...changes,
    };
    this.#machines.set(id, machine);
    return machine;
  }

  change(id: number, changes: Partial<Machine>, kind: FleetEvent['kind'] = 'changed'): void {
    const machine = { ...this.machine(id), ...changes };
    this.#machines.set(id, machine);
    const event: FleetEvent = kind === 'boot' ? { kind, machine, previousBoot: undefined } : { kind, machine };
    for (const listener of this.#listeners) listener(event);
  }

  boot(id: number): void {
    this.change(id, { boot: this.machine(id).boot + 1, key: newKey() }, 'boot');
  }

  /** The machine reports a stage, in its present boot if no other is given. */
  report(id: number, stage = 'MAINTENANCE', boot = this.machine(id).boot): { machine: number; doc: string } {
    const event = { message: 'MachineStatusEvent', stage, ready: false, unmetConditions: [] } as const;
    this.statuses.fold(this.machine(id), boot, event);
    const op = this.statuses.op(id);
    if (op.op !== 'putStatus') throw new Error('not a status row');
    return { machine: op.machine, doc: op.doc };
  }

  link(id: number, up: boolean): void {
    if (up) this.#down.delete(id);
    else this.#down.add(id);
  }

  machine(id: number): Machine {
    const machine = this.#machines.get(id);
    if (machine === undefined) throw new Error(`no machine ${id}`);
    return machine;
  }

  /** The newest write that has not ended. */
  get current(): Write {
    const write = [...this.running].at(-1);
    if (write === undefined) throw new Error('nothing is being written');
    return write;
  }

  byId(id: number): Machine | undefined {
    return this.#machines.get(id);
  }

  all(): Iterable<Machine> {
    return this.#machines.values();
  }

  onEvent(listener: (event: FleetEvent) => void): void {
    this.#listeners.push(listener);
  }

  view(machine: Machine): MachineView {
    const state = this.#down.has(machine.id) ? 'down' : 'up';
    return {
      machine,
      status: this.statuses.get(machine.id),
      link: { state, endpoint: null, latestHandshake: 0, lastRx: null, rxBytes: 0, txBytes: 0, mode: 'udp' },
      linkHint: null,
      lastRefusal: null,
      joinWait: null,
      tokenWrite: this.writes.get(machine.id),
      missingLines: null,
    };
  }

  async offerUniqueToken(id: number): Promise<string> {
    await this.offerGate;
    if (this.failingOffers > 0) {
      this.failingOffers -= 1;
      throw new SiderolinkError('storage', 'disk full');
    }
    const token = `${String(this.offered.length).padStart(4, '0')}${'t'.repeat(39)}`;
    this.offered.push(token);
    if (this.machine(id).uniqueToken === 'none') this.change(id, { uniqueToken: 'offered' });
    return token;
  }

  #metaWrite(address: string, key: number, value: string, signal: AbortSignal): Promise<void> {
    const machine = [...this.#machines.values()].find((each) => each.address === address);
    if (machine === undefined) throw new Error(`nobody is at ${address}`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = (result: 'ok' | MachineApiFault) => {
      this.running.delete(write);
      if (result === 'ok') resolve();
      else reject(new MachineApiError(result, `it is ${result}`));
    };
    const write: Write = {
      machine: machine.id,
      boot: machine.boot,
      key,
      value,
      at: this.clock.monotonic(),
      signal,
      end,
    };
    this.wrote.push(write);
    this.running.add(write);
    signal.addEventListener('abort', () => end('aborted'), { once: true });
    if (this.answer !== undefined) end(this.answer);
    return promise;
  }
}
