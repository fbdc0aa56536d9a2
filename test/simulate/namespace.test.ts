import { type ChildProcess, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PrivateKey } from '../../src/domain/keys.ts';
import type { MachineNotice } from '../../src/simulate/machine.ts';
import { MachineNamespace, removeLeftovers } from '../../src/simulate/machine-namespace.ts';
import { NamespacedMachine } from '../../src/simulate/namespaced-machine.ts';
import { systemCommand } from '../../src/simulate/system-command.ts';
import { type Namespace, TestNetwork } from '../helpers/netns.ts';
import type { ApiRequest, GatewayReport } from './gateway-process.ts';

const SERVER = 'fdae:41e4:649b:9303::1';
const network = new TestNetwork('sim');
let namespace: Namespace;
let gateway: ChildProcess;
let directory: string;
let latest: GatewayReport;

beforeAll(async () => {
  namespace = await network.namespace('gw');
  directory = await mkdtemp(join(tmpdir(), 'simulate-'));
  const keyFile = join(directory, 'key');
  await writeFile(keyFile, PrivateKey.generate().reveal(), { mode: 0o600 });
  // An address of the gateway that is on none of the cables: machines reach it by their default route.
  await namespace.run(['ip', 'addr', 'add', '192.0.2.1/32', 'dev', 'lo']);
  const file = fileURLToPath(new URL('./gateway-process.ts', import.meta.url));
  const argv = [process.execPath, file, network.interfaceName(), SERVER, 'fdae:41e4:649b:9303', keyFile] as const;
  gateway = namespace.spawn([...argv], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await until((report) => report.ready);
});

afterAll(async () => {
  await network.dispose();
  await rm(directory, { recursive: true });
});

async function until(condition: (report: GatewayReport) => boolean): Promise<GatewayReport> {
  if (latest !== undefined && condition(latest)) return latest;
  for await (const [report] of on(gateway, 'message')) {
    latest = report as GatewayReport;
    if (condition(latest)) return latest;
  }
  throw new Error('the gateway ended');
}

/** Calls a machine's Talos API from the gateway, over the link. */
async function api(request: ApiRequest): Promise<unknown> {
  const before = latest.outcomes.length;
  gateway.send(request);
  return (await until(({ outcomes }) => outcomes.length > before)).outcomes.at(-1);
}

/** Takes notices; `noticed` gives the first that fits, now or later. */
function listener(): {
  onNotice: (notice: MachineNotice) => void;
  noticed: (found: (notice: MachineNotice) => boolean) => Promise<MachineNotice>;
} {
  const all: MachineNotice[] = [];
  let heard = () => {};
  return {
    onNotice: (notice) => {
      all.push(notice);
      heard();
    },
    noticed: async (found) => {
      for (;;) {
        const notice = all.find(found);
        if (notice !== undefined) return notice;
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
  };
}

const ARGUMENTS =
  `siderolink.api=grpc://192.0.2.1:8081?jointoken=canary talos.events.sink=[${SERVER}]:8081 ` +
  `talos.logging.kernel=tcp://[${SERVER}]:4001`;

test('a machine in a namespace links over WireGuard, sends its boot, kexecs with a new key, and leaves nothing', async () => {
  const machine = new NamespacedMachine({
    index: 0,
    gateway: namespace.name,
    version: '1.13',
    seed: 7,
    speed: Number.POSITIVE_INFINITY,
    darkMs: 0,
    // On a busy host what it tells at its end takes longer than the 10 s that Talos waits.
    drainMs: 100_000,
    kernelArguments: ARGUMENTS,
  });
  try {
    const { uuid } = await machine.create();
    await machine.start();
    const first = await until((report) => report.lines > 500 && report.events.includes('MachineStatusEvent'));
    expect(first.sources).toEqual(['fdae:41e4:649b:9303::10']);
    expect(first.provisions).toEqual([{ uuid, key: (await machine.state()).publicKey }]);

    await machine.log('a line of the test');
    await until((report) => report.lastLine.includes('a line of the test'));

    await machine.reboot({ mode: 'kexec' });
    const { publicKey } = await machine.state();
    expect(publicKey).not.toBe(first.provisions[0]?.key);
    const linked = new RegExp(`^${publicKey?.replaceAll('+', '\\+')}\\t[1-9]`, 'm');
    const second = await until(({ lines, handshakes }) => lines > first.lines + 500 && linked.test(handshakes));
    expect(second.provisions.at(-1)).toEqual({ uuid, key: publicKey });
    expect(second.events).toContain('RestartEvent');
    expect((await machine.state()).counters).toMatchObject({ boots: 2, eventsLost: 0, kmsgLost: 0 });
  } finally {
    await machine.close();
  }
  expect(await systemCommand('ip', 'netns', 'list')).not.toContain(machine.namespace.name);
  expect(await namespace.run(['ip', '-o', 'link', 'show'])).not.toMatch(/slv/);
});

test('a machine whose process was killed leaves its link, and closing it takes all away', async () => {
  const crash = Promise.withResolvers<string>();
  const linked = Promise.withResolvers<void>();
  const machine = new NamespacedMachine(
    { index: 1, gateway: namespace.name, version: '1.6', seed: 8, quiet: true, kernelArguments: ARGUMENTS },
    { onCrash: crash.resolve, onNotice: ({ kind }) => kind === 'linked' && linked.resolve() },
  );
  const { name, linkInterface } = machine.namespace;
  try {
    await machine.create();
    await machine.start();
    await linked.promise;
    process.kill(machine.pid ?? 0, 'SIGKILL');
    expect(await crash.promise).toContain('SIGKILL');
    expect(await systemCommand('ip', '-n', name, '-o', 'link', 'show')).toContain(linkInterface);
    await expect(machine.state()).rejects.toMatchObject({ code: 'unavailable' });
  } finally {
    await Promise.all([machine.close(), machine.close()]);
  }
  expect(await systemCommand('ip', 'netns', 'list')).not.toContain(name);
  // wireguard-go took its socket along, so it has ended.
  await expect.poll(() => existsSync(`/run/wireguard/${linkInterface}.sock`)).toBe(false);
});

test('namespaces of processes that are gone are removed, those of others stay', async () => {
  const gone = spawn('true');
  await once(gone, 'exit');
  const pid = gone.pid ?? 0;
  const dead = new MachineNamespace({ index: 0, pid, gateway: namespace.name }, systemCommand);
  const alive = new MachineNamespace({ index: 2, gateway: namespace.name }, systemCommand);
  await dead.create();
  await alive.create();
  try {
    expect(await removeLeftovers(systemCommand)).toBeGreaterThanOrEqual(1);
    const left = await systemCommand('ip', 'netns', 'list');
    expect(left).not.toContain(dead.name);
    expect(left).toContain(alive.name);
  } finally {
    await dead.destroy();
    await alive.destroy();
  }
});

test('an outage of UDP leaves TCP alone, and ends', async () => {
  const linked = Promise.withResolvers<void>();
  const machine = new NamespacedMachine(
    { index: 3, gateway: namespace.name, version: '1.13', seed: 9, quiet: true, kernelArguments: ARGUMENTS },
    { onNotice: ({ kind }) => kind === 'linked' && linked.resolve() },
  );
  try {
    await machine.create();
    await machine.setOutage('udp');
    await machine.start();
    await linked.promise;
    // Nothing comes through the link as long as UDP is blocked.
    const { uuid, publicKey, counters } = await machine.state();
    expect(counters).toMatchObject({ links: 1, kmsgSent: 0 });
    expect(latest.sources).not.toContain((await machine.state()).address);
    await machine.setOutage('none');
    await until(({ sources }) => sources.includes('fdae:41e4:649b:9303::12'));
    expect(latest.provisions).toContainEqual({ uuid, key: publicKey });
  } finally {
    await machine.close();
  }
});

test('over WireGuard a machine in maintenance takes its token, installs, and keeps it', async () => {
  const { onNotice, noticed } = listener();
  const options = { gateway: namespace.name, version: '1.13', seed: 11, speed: Number.POSITIVE_INFINITY, darkMs: 0 };
  const machine = new NamespacedMachine(
    { ...options, index: 4, maintenance: true, loseMeta: true, kernelArguments: ARGUMENTS },
    { onNotice },
  );
  try {
    const { uuid } = await machine.create();
    await machine.start();
    await noticed((notice) => notice.kind === 'api' && notice.mode === 'maintenance');
    const { address, publicKey } = await machine.state();
    expect(await api({ address: address ?? '', call: 'version' })).toEqual({ ok: 'v1.13.0' });
    expect(await api({ address: address ?? '', call: 'metaWrite', value: 'unique' })).toEqual({ ok: 1 });
    await noticed((notice) => notice.kind === 'meta' && notice.key === 16);
    expect(await machine.meta()).toEqual(new Map([[16, 'unique']]));
    const after = await until(({ tokens }) => tokens.includes('unique'));
    expect(after.provisions.at(-1)).toEqual({ uuid, key: publicKey });

    await machine.setApiFault('refuse');
    expect(await api({ address: address ?? '', call: 'version' })).toMatchObject({ code: 14 });
    await machine.setApiFault('none');

    await machine.configure();
    await noticed((notice) => notice.kind === 'api' && notice.mode === 'running' && notice.boot === 2);
    expect(await machine.state()).toMatchObject({
      boot: 2,
      address,
      configured: true,
      installed: true,
      api: 'running',
    });
    expect(await machine.meta()).toEqual(new Map([[16, 'unique']]));
    await until(({ handshakes }) => /\t[1-9]/.test(handshakes));
    expect(await api({ address: address ?? '', call: 'handshake' })).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');

    const clone = new NamespacedMachine(
      { ...options, index: 5, uuid, meta: await machine.meta(), quiet: true, kernelArguments: ARGUMENTS },
      {},
    );
    try {
      expect(await clone.create()).toMatchObject({ uuid, installed: true });
      expect(await clone.meta()).toEqual(await machine.meta());
    } finally {
      await clone.close();
    }
  } finally {
    await machine.close();
  }
});
