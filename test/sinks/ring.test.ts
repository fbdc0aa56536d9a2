import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GAP_AGE } from '../../src/domain/gap.ts';
import { NO_TAGS } from '../../src/domain/record.ts';
import { Redactor } from '../../src/domain/redact.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { LineSplitter } from '../../src/lib/line-splitter.ts';
import { ByteBudgets } from '../../src/sinks/byte-budgets.ts';
import { GapReporter } from '../../src/sinks/gap-reporter.ts';
import { type LineOrigin, LineSink, lineOrigin } from '../../src/sinks/line-sink.ts';
import { unexplained } from './explained.ts';
import { newKey, type World, world } from './fakes.ts';
import { ModelStore } from './model-store.ts';
import { RingMachine, type Wire } from './ring-machine.ts';

const MACHINE = 1;

interface Connection {
  readonly wire: Wire;
  readonly origin: LineOrigin;
  readonly splitter: LineSplitter;
}

/** Our side: the parts of the kernel log sink over a store, which a crash leaves with what was committed. */
class Gateway {
  readonly world: World;
  store: ModelStore;
  #boots: BootTable;
  #sink: LineSink;
  #budgets: ByteBudgets;
  #gaps: GapReporter;
  #reporting: Promise<void> | undefined;
  #connections: Connection[] = [];
  /** Boot of the machine → last line as `machine.rebooted` tells it, as far as that is stored. */
  readonly rebooted = new Map<number, number | null>();

  constructor(w: World) {
    this.world = w;
    w.machines.add(MACHINE, '127.0.0.5');
    this.store = new ModelStore();
    [this.#boots, this.#sink, this.#budgets, this.#gaps] = this.#start();
  }

  #start(): [BootTable, LineSink, ByteBudgets, GapReporter] {
    const { clock } = this.world;
    const boots = new BootTable({}, { image: { boots: this.store.boots }, clock });
    const sink = new LineSink({ maxLineBytes: 65_536 }, { log: this.store, redactor: new Redactor() });
    // Twenty-five lines or so at once.
    const budgets = new ByteBudgets({ bytesPerSecond: 1_000, burstBytes: 4_000 }, { clock });
    return [boots, sink, budgets, new GapReporter({}, { ...this.world, boots, log: this.store })];
  }

  /** As after kill -9: nothing is left but what was committed. */
  crash(): void {
    for (const { wire } of this.#connections) wire.isDead = true;
    this.#connections = [];
    this.#reporting = undefined;
    this.store = new ModelStore(this.store);
    [this.#boots, this.#sink, this.#budgets, this.#gaps] = this.#start();
  }

  /** The machine joins with the key of a new boot: registry and record are one change, and the device has the key then. */
  join(): void {
    const { boot, ops, undo } = this.#boots.begin(MACHINE, newKey());
    const former = this.#boots.current(MACHINE);
    const last = former?.lastSeq ?? null;
    const boots = this.#boots;
    const { store } = this;
    void store.commit({ ops, records: [] }).then(
      () => {
        if (store !== this.store || boots !== this.#boots) return;
        if (former !== undefined) this.rebooted.set(former.number, last);
        boots.activate(boot.machine);
      },
      () => undo(),
    );
  }

  get boot(): number {
    return this.#boots.current(MACHINE)?.number ?? 0;
  }

  accept(wire: Wire): void {
    const boot = this.#boots.current(MACHINE);
    if (boot === undefined) return;
    const origin = lineOrigin(boot);
    const onBlock = (block: Buffer) => {
      if (!this.#budgets.isOpen(MACHINE)) this.#sink.refuse(origin, block, 'rate');
      else this.#budgets.charge(MACHINE, this.#sink.take(origin, NO_TAGS, block).bytes);
    };
    const splitter = new LineSplitter({ maxLineBytes: 65_536 }, { onBlock, onLoss: () => {} });
    this.#connections.push({ wire, origin, splitter });
  }

  /** Reads so many bytes of every connection. */
  read(bytes: number): void {
    for (const { wire, splitter } of this.#connections) {
      const chunk = wire.bytes.subarray(0, bytes);
      wire.bytes = wire.bytes.subarray(chunk.length);
      if (chunk.length > 0) splitter.push(Buffer.from(chunk));
      if (wire.isClosed && wire.bytes.length === 0) splitter.end();
    }
    this.#connections = this.#connections.filter(({ wire }) => !wire.isClosed || wire.bytes.length > 0);
  }

  tellGaps(): void {
    const reporting = this.#gaps.report().then(() => {
      if (this.#reporting === reporting) this.#reporting = undefined;
    });
    this.#reporting ??= reporting;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constantFrom('say', 'send'), n: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read'), n: fc.integer({ min: 1, max: 4_000 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait'), n: fc.constantFrom(100, 3_000, 6_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('half'), n: fc.nat(99) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constantFrom('cut', 'store lines', 'store changes', 'tell'), n: fc.constant(0) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('connect', 'replay', 'replay', 'refuse changes', 'boot', 'boot unseen', 'join', 'crash'),
      n: fc.constant(0),
    }),
  },
);

describe('a kernel ring that is read by a sink', () => {
  it('has every line of every boot stored once, or told missing, but for the end of a boot', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 50, maxLength: 150, size: 'max' }),
        fc.integer({ min: 3, max: 40 }),
        async (steps, capacity) => {
          const machine = new RingMachine(capacity);
          const gateway = new Gateway(world());
          /** Our number of a boot → the machine's, in the order of joins. */
          const boots: number[] = [0];
          let isJoined = false;
          const join = async () => {
            const before = gateway.boot;
            gateway.join();
            gateway.store.storeChanges();
            await turn();
            for (let number = boots.length; number <= gateway.boot; number += 1) boots[number] = machine.bootNumber;
            isJoined = gateway.boot > before;
          };
          await join();
          for (const { do: what, n } of steps) {
            switch (what) {
              case 'say':
                machine.say(n);
                break;
              case 'send':
                if (isJoined && !machine.isConnected) gateway.accept(machine.connect());
                machine.send(n);
                break;
              case 'half':
                machine.sendHalf(n / 100);
                break;
              case 'connect':
                if (isJoined) gateway.accept(machine.connect());
                break;
              case 'replay':
                machine.restartReader();
                break;
              case 'read':
                gateway.read(n);
                break;
              case 'wait':
                gateway.world.clock.advance(n);
                break;
              case 'cut':
                gateway.store.cut();
                break;
              case 'store lines':
                gateway.store.storeLines();
                break;
              case 'store changes':
                gateway.store.storeChanges();
                break;
              case 'refuse changes':
                gateway.store.refuseChanges();
                break;
              case 'tell':
                gateway.tellGaps();
                break;
              case 'boot':
                machine.boot();
                await join();
                break;
              case 'boot unseen':
                // It ends before it joins, or joins later.
                machine.boot();
                isJoined = false;
                break;
              case 'join':
                if (!isJoined) await join();
                break;
              case 'crash':
                gateway.crash();
                break;
            }
            await turn();
          }
          for (let round = 0; round < 4; round += 1) {
            gateway.read(1e9);
            gateway.store.cut();
            gateway.store.storeLines();
            await turn();
            gateway.world.clock.advance(GAP_AGE);
            gateway.tellGaps();
            await turn();
            gateway.store.storeChanges();
            await turn();
          }
          const said = boots.map((number) => machine.said[number] ?? []);
          expect(
            unexplained({ said, lines: gateway.store.lines, gaps: gateway.store.gaps, rebooted: gateway.rebooted }),
          ).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
