import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { writtenConfig } from '../../src/config/written.ts';
import { type GatherOptions, gather } from '../../src/daemon/doctor/gather.ts';
import { defaultRoutes4, defaultRoutes6, localPorts } from '../../src/daemon/doctor/proc-net.ts';
import { issueServerCertificate, loadAuthority } from '../../src/daemon/tls/own-authority.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { version } from '../../src/version.ts';
import type { Runner } from '../../src/wireguard/runner.ts';
import { fakeStatus } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';

describe('tables of /proc/net', () => {
  const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:257C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 24603 1 0000000000000000
   1: 0100007F:9C40 0100007F:257C 01 00000000:00000000 00:00000000 00000000     0        0 24604 1 0000000000000000
`;
  const TCP6 = `  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000
`;
  const ROUTE = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0
`;
  const ROUTE6 = `fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth1
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`;

  it('are understood', () => {
    expect([...localPorts(TCP, 'tcp')]).toEqual([9_596]);
    expect([...localPorts(TCP, 'udp')]).toEqual([9_596, 40_000]);
    expect([...localPorts(TCP6, 'tcp')]).toEqual([8_081]);
    expect(defaultRoutes4(ROUTE)).toEqual(['eth0']);
    expect(defaultRoutes6(ROUTE6)).toEqual(['eth1']);
    expect([...localPorts('', 'tcp'), ...defaultRoutes4(''), ...defaultRoutes6('\n\n')]).toEqual([]);
  });
});

describe('gathering on this host', () => {
  let control: Harness;
  let directory: string;
  beforeAll(async () => {
    control = await startControl();
    directory = await mkdtemp(join(tmpdir(), 'siderolink-doctor-'));
    await mkdir(join(directory, 'state'), { mode: 0o755 });
    await writeFile(join(directory, 'state', 'private-key'), 'x'.repeat(100), { mode: 0o644 });
    await writeFile(join(directory, 'state', 'lock'), '', { mode: 0o644 });
  });
  afterAll(async () => {
    await control[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  /** No command is there. */
  const none: Runner = { run: () => Promise.reject(new SiderolinkError('command_failed', 'not installed')) };
  const found = (options: Omit<GatherOptions, 'env'> = {}, env: Record<string, string> = {}) =>
    gather(
      {
        socket: '/nonexistent.sock',
        ...options,
        env: { SIDEROLINKD__STATE_DIR: join(directory, 'state'), ...env },
      },
      { runner: none, clock: systemClock },
    );

  it('asks the daemon', async () => {
    control.health.set('store', 'warning', 'disk is nearly full');
    expect((await found({ socket: control.socket })).daemon).toMatchObject({
      kind: 'answers',
      version,
      backend: 'userspace',
      conditions: [{ name: 'store', severity: 'warning', message: 'disk is nearly full' }],
      links: { hinted: 0 },
    });
    expect(await found()).toMatchObject({
      daemon: { kind: 'silent', message: 'nobody answers on /nonexistent.sock' },
      settings: { of: 'here', message: null },
    });
  });

  it('takes the settings and the endpoints of a daemon that answers, and tells what here is another', async () => {
    const config = parseConfig('api: { tls: { self_signed: true } }\nstore: { max_age: 1h }');
    const status = () => ({ ...fakeStatus.status(), settings: writtenConfig(config) });
    await using other = await startControl({}, undefined, { status: { status } });
    const env = { SIDEROLINKD__WIREGUARD__ENDPOINTS: '["198.51.100.7:51821"]' };
    expect(await found({ socket: other.socket }, env)).toMatchObject({
      config,
      settings: {
        of: 'daemon',
        differing: ['state_dir', 'wireguard.endpoints', 'api.tls.self_signed', 'store.max_age'],
      },
      endpoints: { configured: false, endpoints: [{ endpoint: '192.0.2.7:51821' }] },
    });
    const wrong = await found({ socket: other.socket }, { SIDEROLINKD__WIREGUARD__LISTEN_PORT: 'no port' });
    expect(wrong).toMatchObject({ config, settings: { of: 'daemon', differing: null } });
  });

  it.each([
    ['settings that this version does not know', { store: { max_rage: '1h' } }, /max_rage/],
    ['what is none of ours', { store: { max_age: {} } }, /max_age/],
  ])('goes on with its own where a daemon tells %s', async (_, settings, message) => {
    const status = () => ({ ...fakeStatus.status(), settings: settings });
    await using other = await startControl({}, undefined, { status: { status } });
    const facts = await found({ socket: other.socket });
    expect(facts.settings).toEqual({ of: 'here', message: expect.stringMatching(message) });
    expect(facts.config.state_dir).toBe(join(directory, 'state'));
    expect(facts.daemon.kind).toBe('answers');
  });

  it('reads the state directory', async () => {
    expect((await found()).stateDir).toMatchObject({
      state: 'there',
      mode: 0o755,
      exposed: ['private-key'],
      usedBytes: 100,
      freeBytes: expect.any(Number),
    });
    const missing = await found({}, { SIDEROLINKD__STATE_DIR: join(directory, 'nope') });
    expect(missing.stateDir.state).toBe('missing');
    const below = await found({}, { SIDEROLINKD__STATE_DIR: join(directory, 'state', 'private-key', 'x') });
    expect(below.stateDir.state).toBe('no_directory');
  });

  it('goes on with defaults where the configuration is wrong', async () => {
    const { configuration, config } = await found({}, { SIDEROLINKD__WIREGUARD__LISTEN_PORT: 'no port' });
    expect(configuration).toMatchObject({ kind: 'wrong', message: expect.stringMatching(/LISTEN_PORT/) });
    expect(config.wireguard.listen_port).toBe(51_821);
  });

  it('sees who listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const listening = async () => {
      const { ports } = await found({}, { SIDEROLINKD__METRICS__LISTEN: `127.0.0.1:${port}` });
      return ports?.find(({ setting }) => setting === 'metrics.listen');
    };
    expect(await listening()).toEqual({ setting: 'metrics.listen', protocol: 'tcp', port, taken: true });
    server.close();
    await once(server, 'close');
    expect(await listening()).toMatchObject({ port, taken: false });
  });

  it('tells endpoints apart, by name or address', async () => {
    const env = {
      SIDEROLINKD__WIREGUARD__ENDPOINTS: '["127.0.0.1:1", "[2606:4700::1]:2", "does-not-exist.invalid:3"]',
    };
    const { endpoints } = await found({}, env);
    expect(endpoints).toEqual({
      configured: true,
      endpoints: [
        { endpoint: '127.0.0.1:1', addresses: [{ address: '127.0.0.1', isPublic: false }] },
        { endpoint: '[2606:4700::1]:2', addresses: [{ address: '2606:4700::1', isPublic: true }] },
        { endpoint: 'does-not-exist.invalid:3', addresses: null },
      ],
    });
  });

  it('reads certificates as machines would meet them', async () => {
    const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
    const env = {
      SIDEROLINKD__API__TLS__CERT_FILE: files.cert,
      SIDEROLINKD__API__TLS__KEY_FILE: files.key,
      SIDEROLINKD__WIREGUARD__ENDPOINTS: '["127.0.0.1:51821"]',
    };
    const judged = async (hosts: readonly string[]) => {
      const authority = loadAuthority(join(directory, 'authority.pem'), 'test', Date.now());
      const { cert, key } = issueServerCertificate(authority, hosts, Date.now(), Date.now() + 90 * 86_400_000);
      await writeFile(files.cert, cert);
      await writeFile(files.key, key);
      return (await found({}, env)).certificates;
    };
    expect(await judged(['127.0.0.1'])).toEqual([
      {
        setting: 'api.tls',
        severity: expect.stringMatching(/ok|warning/),
        message: expect.stringContaining(files.cert),
      },
    ]);
    expect(await judged(['192.0.2.1'])).toEqual([
      { setting: 'api.tls', severity: 'warning', message: expect.stringMatching(/not for 127\.0\.0\.1/) },
    ]);
    await writeFile(files.cert, 'no certificate');
    expect(await found({}, env)).toMatchObject({
      certificates: [{ setting: 'api.tls', severity: 'error', message: expect.stringContaining(files.cert) }],
    });
    expect((await found()).certificates).toEqual([]);
  });

  it('needs no rights', async () => {
    const facts = await found({}, { PATH: '/nonexistent' });
    expect(facts.unit).toBeNull();
    expect(facts.clockSynchronized).toBeNull();
    expect(facts.ipv6.present).toBe(true);
    expect(facts.network.interface).toBeNull();
    expect(facts.backend.wireguardGo).toBe(false);
  });
});
