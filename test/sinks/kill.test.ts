import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { unexplained } from './explained.ts';
import { RingMachine, type Wire } from './ring-machine.ts';

const CHILD = fileURLToPath(new URL('./kill-child.ts', import.meta.url));

let cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.reverse()) await undo();
  cleanup = [];
});

/** The sink in a process of its own, and what answers came from it. */
class Sink {
  readonly #path: string;
  #child: ChildProcess | undefined;
  #answers: AsyncIterator<string> | undefined;
  port = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [CHILD, this.#path], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    cleanup.push(() => this.kill());
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    ({ port: this.port } = await this.#answer());
  }

  async ask(command: 'join' | 'settle' | 'dump') {
    this.#child?.stdin?.write(`${command}\n`);
    return await this.#answer();
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async #answer(): Promise<{ port: number; boot: number; last: number | null; records: string[] }> {
    const answer = await this.#answers?.next();
    if (answer === undefined || answer.done === true) throw new Error('the sink has ended');
    return JSON.parse(answer.value);
  }
}

/** Carries what the machine writes to a socket, as far as that goes. */
class Line {
  readonly #wire: Wire;
  readonly #socket: Socket;

  private constructor(wire: Wire, socket: Socket) {
    this.#wire = wire;
    this.#socket = socket;
    const end = () => {
      wire.isDead = true;
    };
    socket.on('error', end).on('close', end).resume();
    cleanup.push(() => socket.destroy());
  }

  static async dial(wire: Wire, port: number): Promise<Line> {
    const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.5' });
    await once(socket, 'connect');
    return new Line(wire, socket);
  }

  /** Ends the connection, and waits until the other side has read everything and closes it, too. */
  async end(): Promise<void> {
    this.#socket.end();
    if (!this.#socket.closed) await new Promise<void>((resolve) => void this.#socket.once('close', () => resolve()));
  }

  async carry(): Promise<void> {
    const { bytes, isClosed } = this.#wire;
    this.#wire.bytes = Buffer.alloc(0);
    if (this.#wire.isDead) return;
    if (bytes.length > 0) await new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
    if (isClosed) this.#socket.end();
  }
}

const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('log'), n: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('half'), n: fc.nat(99) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('replay', 'boot', 'settle', 'kill', 'overrun'), n: fc.nat(80) }),
  },
);

it('killed and started again: every line of every boot is stored once, or told missing', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 60, size: 'max' }), async (steps) => {
      const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-kill-'));
      cleanup.push(() => rmSync(directory, { recursive: true }));
      const sink = new Sink(join(directory, 'store.db'));
      const machine = new RingMachine(50);
      const said: (readonly string[])[] = [[]];
      const rebooted = new Map<number, number | null>();
      let lines: Line[] = [];
      const joined = async () => {
        const { boot, last } = await sink.ask('join');
        if (boot > 1) rebooted.set(boot - 1, last);
        said[boot] = machine.said[machine.bootNumber] ?? [];
      };
      const carry = async () => {
        if (!machine.isConnected) lines.push(await Line.dial(machine.connect(), sink.port));
      };
      await sink.start();
      await joined();
      for (const { do: what, n } of steps) {
        if (what === 'log' || what === 'overrun') machine.say(what === 'log' ? n : 60);
        await carry();
        if (what === 'log') machine.send(n);
        if (what === 'half') machine.sendHalf(n / 100);
        if (what === 'replay') machine.restartReader();
        if (what === 'settle') await sink.ask('settle');
        if (what === 'boot') {
          // The last words of a boot are on the wire when the next one joins.
          machine.send(n);
          await Promise.all(lines.map((line) => line.carry()));
          machine.boot();
          await joined();
        }
        const carried = Promise.all(lines.map((line) => line.carry()));
        if (what === 'kill') await sink.kill();
        await carried;
        if (what !== 'kill') continue;
        lines = [];
        await sink.start();
      }
      // Lines that fill a hole after the last gap records would not be told to have come.
      await Promise.all(lines.map((line) => line.end()));
      for (let round = 0; round < 3; round += 1) await sink.ask('settle');
      const { records } = await sink.ask('dump');
      const parsed = records.map(
        (json) => JSON.parse(json) as { subject: string; boot: number; body: Record<string, unknown> },
      );
      const of = (stream: string) => parsed.filter(({ subject }) => subject.split('.')[3] === stream);
      const { server_uuid: _, ...rest } = of('kmsg')[0]?.body ?? {};
      expect(Object.keys(rest)).toHaveLength(7);
      const bodies = of('kmsg').map(({ boot, body: { server_uuid: __, ...body } }) => ({
        boot,
        text: JSON.stringify(body),
      }));
      const gaps = of('gap').map(({ boot, body }) => ({ boot, body: JSON.stringify(body) }));
      await sink.kill();
      expect(unexplained({ said, lines: bodies, gaps, rebooted })).toEqual([]);
      expect(bodies.length).toBeGreaterThan(100);
    }),
    { numRuns: 1, endOnFailure: true },
  );
});
