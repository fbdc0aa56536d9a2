import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { storedLines } from './explained-lines.ts';
import type { Gateway } from './gateway.ts';
import type { CallerReport } from './restart-caller.ts';
import type { SocketHolder } from './socket-holder.ts';

const MAIN = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));
const CALLER = fileURLToPath(new URL('./restart-caller.ts', import.meta.url));

/** Machines without WireGuard devices, all in one process: each speaks from its own overlay address on this host. */
export class DirectMachines {
  readonly #gateway: Gateway;
  readonly #child;
  #uuids: readonly string[] = [];

  private constructor(gateway: Gateway, child: ReturnType<Gateway['namespace']['spawn']>) {
    this.#gateway = gateway;
    this.#child = child;
  }

  /** Resolves when all of them have booted and send `rate` lines a second each. */
  static async start(gateway: Gateway, count: number, rate: number): Promise<DirectMachines> {
    const { overlay } = await gateway.client.status();
    await gateway.namespace.run(['ip', '-6', 'route', 'replace', 'local', overlay.prefix, 'dev', 'lo']);
    const args = join(gateway.directory, 'kernel-args');
    writeFileSync(args, await gateway.kernelArguments(), { mode: 0o600 });
    const options = ['--transport', 'direct', '--count', count, '--rate', rate, '--speed', 'inf', '--json'];
    const child = gateway.namespace.spawn(
      [process.execPath, MAIN, 'simulate', ...options.map(String), '--kernel-args-file', args],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    child.stdout?.resume();
    const machines = new DirectMachines(gateway, child);
    await gateway.until(
      'all machines run',
      async () => {
        machines.#uuids = await runningMachines(gateway);
        return machines.#uuids.length >= count;
      },
      120_000,
    );
    return machines;
  }

  get uuids(): readonly string[] {
    return this.#uuids;
  }

  /** Resolves when each of them has so many further lines stored. */
  async allSendMore(lines: number): Promise<void> {
    const newest = async (uuid: string) => {
      const { records } = await this.#gateway.client.records({ machine: uuid, filter: ['*.*.*.kmsg.>'], tail: 1 });
      return Number(records[0]?.body['seq'] ?? 0);
    };
    const before = await Promise.all(this.#uuids.map(newest));
    for (const [index, uuid] of this.#uuids.entries()) {
      const wanted = (before[index] ?? 0) + lines;
      await this.#gateway.until(`lines of ${uuid}`, async () => (await newest(uuid)) >= wanted);
    }
  }

  /** All at once, in the middle of a line. */
  async cut(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

export async function runningMachines(gateway: Gateway): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { stage, server_uuid } of gateway.client.machines())
    if (stage === 'RUNNING') found.push(server_uuid);
  return found;
}

/** How calls ended that went on while the daemon restarted. */
async function callMeanwhile(
  gateway: Gateway,
  holder: SocketHolder,
  during: () => Promise<void>,
): Promise<CallerReport> {
  const { token } = gateway;
  const plan = { api: holder.address('api'), kmsg: holder.address('kmsg'), events: holder.address('events'), token };
  const child = gateway.namespace.spawn([process.execPath, CALLER, JSON.stringify(plan)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  const ready = new Promise<void>((resolve) => {
    child.stdout?.on('data', (part) => {
      said += part;
      if (said.startsWith('ready\n')) resolve();
    });
  });
  const closed = once(child, 'close');
  await Promise.race([ready, closed]);
  await during();
  child.stdin?.end();
  await closed;
  return JSON.parse(said.slice('ready\n'.length)) as CallerReport;
}

/** Restarts the daemon while machines send and callers call; nobody may be refused. */
export async function restartUnderLoad(
  gateway: Gateway,
  holder: SocketHolder,
  machines: DirectMachines,
  { signal, times }: { readonly signal: 'SIGTERM' | 'SIGKILL'; readonly times: number },
): Promise<void> {
  const ends = holder.ends.length;
  const report = await callMeanwhile(gateway, holder, async () => {
    for (let restart = 0; restart < times; restart++) {
      await machines.allSendMore(100);
      await holder.restart(signal);
    }
    await machines.allSendMore(100);
  });
  const wanted = signal === 'SIGTERM' ? '0' : signal;
  expect(holder.ends.slice(ends)).toEqual(Array.from({ length: times }, () => wanted));
  for (const [call, { ends: words }] of Object.entries(report)) {
    expect(words['ok'], call).toBeGreaterThan(0);
    // Whoever was being served when the process was killed sees that; who came later waited.
    const refused = Object.keys(words).filter((word) => word.includes('ECONNREFUSED'));
    expect(refused, call).toEqual([]);
  }
  if (signal === 'SIGTERM') expect(Object.keys(report.provision.ends)).toEqual(['ok']);
}

/** Every line of every machine is a record or in a gap record, once holes have had the time to be told. */
export async function expectExplained(gateway: Gateway, machines: DirectMachines): Promise<void> {
  for (const uuid of machines.uuids) {
    let lines = await storedLines(gateway, uuid);
    const explained = async () => {
      if (lines.unexplained.length > 0) lines = await storedLines(gateway, uuid);
      return lines.unexplained.length === 0;
    };
    await gateway.until(`every line of ${uuid} is explained`, explained).catch(() => {});
    expect(lines.unexplained.slice(0, 10), uuid).toEqual([]);
    expect(lines.stored).toBeGreaterThan(lines.missing);
  }
}
