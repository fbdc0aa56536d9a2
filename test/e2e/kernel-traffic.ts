import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '../../src/lib/clock.ts';
import { CommandRunner } from '../../src/wireguard/runner.ts';
import type { Namespace } from '../helpers/netns.ts';
import type { Guest } from './guest.ts';

/** Under emulation a process of Node takes seconds to begin. */
export const slow = new CommandRunner({ timeoutMs: 120_000 });

/** So long an answer may take that comes; the tunnel's needs a handshake before it. */
const PATIENCE_MS = 5_000;

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Connects from a namespace to all of these at once: `open`, `timeout`, or the error's code of each. */
export async function tryAll(namespace: string, targets: readonly Target[]): Promise<readonly string[]> {
  return JSON.parse(await inside(namespace, CONNECT, { targets, patience: PATIENCE_MS })) as string[];
}

const CONNECT = `
import { connect } from 'node:net';
const { targets, patience } = JSON.parse(process.argv[1]);
const ends = targets.map((target) => new Promise((resolve) => {
  connect(target, () => resolve('open')).on('error', (error) => resolve(error.code));
  setTimeout(() => resolve('timeout'), patience);
}));
console.log(JSON.stringify(await Promise.all(ends)));
process.exit();
`;

/** Listens for TCP on a port of all addresses; resolves when it does. Ends with the namespace at the latest. */
export async function listenOn(namespace: Namespace, port: number): Promise<ChildProcess> {
  const source = `require('node:net').createServer((s) => s.on('error', () => {})).listen(${port}, '::', () => console.log('.'));`;
  const child = namespace.spawn([process.execPath, '-e', source]);
  await once(child.stdout ?? child, 'data');
  return child;
}

/** Sends service log lines over UDP, one after the other, each from an address of its own. */
export async function sendFrom(
  namespace: string,
  to: Target,
  lines: readonly { readonly from: string; readonly message: string }[],
): Promise<void> {
  await inside(namespace, DATAGRAMS, { to, lines });
}

const DATAGRAMS = `
import { createSocket } from 'node:dgram';
const { to, lines } = JSON.parse(process.argv[1]);
for (const { from, message } of lines) {
  const socket = createSocket('udp6');
  await new Promise((resolve) => socket.bind(0, from, resolve));
  const line = JSON.stringify({ msg: message, 'talos-level': 'info', 'talos-service': 'probe' });
  await new Promise((resolve, reject) => socket.send(line, to.port, to.host, (e) => (e ? reject(e) : resolve())));
  socket.close();
}
`;

function inside(namespace: string, source: string, argument: unknown): Promise<string> {
  const node = [process.execPath, '--input-type=module', '-e', source, JSON.stringify(argument)];
  return slow.run(['ip', 'netns', 'exec', namespace, ...node]);
}

/** Lines of machines, some a second of each, until it is stopped. */
export class Traffic {
  readonly #guests: readonly Guest[];
  readonly #done: Promise<void>;
  #rounds = 0;
  #stopped = false;

  constructor(guests: readonly Guest[]) {
    this.#guests = guests;
    this.#done = this.#run();
    // Whoever waits hears of it.
    this.#done.catch(() => undefined);
  }

  /** Resolves when every machine has said so many more lines. */
  async more(lines: number): Promise<void> {
    const wanted = this.#rounds + lines;
    while (this.#rounds < wanted) await Promise.race([systemClock.sleep(50), this.#done]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await Promise.all(this.#guests.map((guest) => guest.machine.log('traffic')));
      this.#rounds += 1;
      await systemClock.sleep(100);
    }
  }
}
