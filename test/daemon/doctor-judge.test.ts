import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import type { Check } from '../../src/daemon/doctor/check.ts';
import type { Facts } from '../../src/daemon/doctor/facts.ts';
import { judge } from '../../src/daemon/doctor/judge.ts';
import { checksJson, exitCodeOf, formatChecks } from '../../src/daemon/doctor/report.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const GIB = 1024 ** 3;

const ANSWERS = {
  kind: 'answers',
  version: '1.0.0',
  ready: true,
  backend: 'kernel',
  conditions: [],
  endpoints: ['203.0.113.7:51821'],
  apiUrl: 'https://203.0.113.7:8081',
  links: { up: 7, hinted: 0 },
  joinWaits: 0,
} as const;
const SILENT = { kind: 'silent', message: 'nobody answers on /run/x.sock' } as const;
const ACTIVE = { load: 'loaded', active: 'active', enabled: 'enabled' } as const;

/** A host where all is well, and a daemon that runs with TLS. */
const WELL: Facts = {
  now: NOW,
  version: '1.0.0',
  configuration: { kind: 'right', file: '/etc/siderolinkd/config.yaml' },
  config: parseConfig('api: { tls: { cert_file: /c.pem, key_file: /k.pem } }'),
  settings: { of: 'daemon', differing: [] },
  daemon: ANSWERS,
  unit: ACTIVE,
  backend: { kernel: true, wireguardGo: false, tun: true },
  programs: { wg: true, ip: true, nft: true },
  ipv6: { present: true, disabled: [] },
  endpoints: {
    configured: false,
    endpoints: [{ endpoint: '203.0.113.7:51821', addresses: [{ address: '203.0.113.7', isPublic: true }] }],
  },
  certificates: [{ setting: 'api.tls', severity: 'ok', message: '/c.pem is valid until 2027-01-01' }],
  stateDir: {
    directory: '/var/lib/siderolinkd',
    state: 'there',
    mode: 0o700,
    exposed: [],
    freeBytes: 50 * GIB,
    usedBytes: GIB,
  },
  ports: [
    { setting: 'wireguard.listen_port', protocol: 'udp', port: 51_821, taken: true },
    { setting: 'api.listen', protocol: 'tcp', port: 8_081, taken: true },
  ],
  network: {
    interface: { mtu: 1_280 },
    forwarding: false,
    strictReversePath: [],
    uplinks: [{ name: 'eth0', mtu: 1_500 }],
  },
  clockSynchronized: true,
};

const withConfig = (text: string): Partial<Facts> => ({ config: parseConfig(text) });
const find = (facts: Partial<Facts>, name: string): Check | undefined =>
  judge({ ...WELL, ...facts }).find((check) => check.name === name);
const privateEndpoint = [{ endpoint: '10.0.0.7:51821', addresses: [{ address: '10.0.0.7', isPublic: false }] }];

describe('judging', () => {
  it('finds nothing where all is well, and has a remedy for nothing', () => {
    const checks = judge(WELL);
    expect(checks.filter(({ severity, remedy }) => severity !== 'ok' || remedy !== null)).toEqual([]);
    expect(exitCodeOf(checks)).toBe(0);
  });

  it.each<[string, Partial<Facts>, string, Check['severity'], RegExp, RegExp | null]>([
    [
      'a wrong configuration',
      { configuration: { kind: 'wrong', message: 'line 3: no' } },
      'configuration',
      'error',
      /line 3/,
      /put it right/,
    ],
    [
      'a wrong configuration beside a daemon',
      { configuration: { kind: 'wrong', message: 'line 3: no' }, settings: { of: 'daemon', differing: null } },
      'settings',
      'ok',
      /^all other lines are about what the daemon runs with, not about the file$/,
      null,
    ],
    [
      'a file that is not what the daemon runs with',
      { settings: { of: 'daemon', differing: ['api.tls.self_signed', 'log.level'] } },
      'settings',
      'warning',
      /^the daemon does not run with what is written in \/etc.*: api\.tls\.self_signed, log\.level\. All lines here are about what it runs with$/,
      /restart/,
    ],
    [
      'no file, and a daemon with settings of its own',
      { configuration: { kind: 'right', file: null }, settings: { of: 'daemon', differing: ['state_dir'] } },
      'settings',
      'ok',
      /^the daemon was started with others than this shell has, and all lines here are about those: state_dir$/,
      null,
    ],
    [
      'no daemon to ask for its settings',
      { daemon: SILENT, settings: { of: 'here', message: null } },
      'settings',
      'ok',
      /^no daemon answers, so all lines here are about what it would start with: \/etc\/siderolinkd\/config\.yaml$/,
      null,
    ],
    [
      'a daemon that may not be asked for its settings',
      { daemon: { kind: 'forbidden', message: 'x' }, settings: { of: 'here', message: null } },
      'settings',
      'ok',
      /may not be asked/,
      null,
    ],
    [
      'a daemon that cannot tell its settings',
      { settings: { of: 'here', message: 'its version cannot tell them' } },
      'settings',
      'warning',
      /^all lines here are about \/etc.*, which the daemon may not be running with: its version cannot tell them$/,
      /restart/,
    ],
    ['links that carry something', {}, 'links', 'ok', /^7 up/, null],
    [
      'links that carry nothing',
      { daemon: { ...ANSWERS, links: { up: 7, hinted: 2 } } },
      'links',
      'warning',
      /^2 of 7 are up.*MTU/,
      /select\(\.link\.hint\)/,
    ],
    [
      'no file',
      { configuration: { kind: 'right', file: null } },
      'configuration',
      'ok',
      /^there is no file: .*default/,
      null,
    ],
    [
      'no daemon',
      { daemon: SILENT, network: { ...WELL.network, interface: null } },
      'daemon',
      'error',
      /x\.sock$/,
      /systemctl start/,
    ],
    ['no daemon, with its device', { daemon: SILENT }, 'daemon', 'error', /links that are up carry on/, /journalctl/],
    ['no daemon, no systemd', { daemon: SILENT, unit: null }, 'daemon', 'error', /x\.sock/, /siderolinkd run/],
    [
      'no access',
      { daemon: { kind: 'forbidden', message: 'may not open x' } },
      'daemon',
      'warning',
      /may not open/,
      /as root/,
    ],
    [
      'an older daemon',
      { daemon: { ...ANSWERS, version: '0.9.0' } },
      'daemon',
      'warning',
      /0\.9\.0 runs, and 1\.0\.0/,
      /restart/,
    ],
    [
      'a condition that a command of the host mends',
      {
        daemon: { ...ANSWERS, conditions: [{ name: 'overlay_allow_group', severity: 'warning', message: 'no group' }] },
      },
      'condition overlay_allow_group',
      'warning',
      /^no group$/,
      /groupadd/,
    ],
    [
      'a condition',
      {
        daemon: {
          ...ANSWERS,
          ready: false,
          conditions: [{ name: 'store', severity: 'error', message: 'disk is full' }],
        },
      },
      'condition store',
      'error',
      /^disk is full$/,
      null,
    ],
    [
      'no unit',
      { daemon: SILENT, unit: { ...ACTIVE, load: 'not-found' } },
      'unit',
      'error',
      /no siderolinkd\.service/,
      /scripts\/install/,
    ],
    ['no unit, and a daemon', { unit: { ...ACTIVE, load: 'not-found' } }, 'unit', 'ok', /by hand/, null],
    ['a masked unit', { unit: { ...ACTIVE, load: 'masked' } }, 'unit', 'error', /masked/, /systemctl status/],
    [
      'a failed unit',
      { daemon: SILENT, unit: { ...ACTIVE, active: 'failed' } },
      'unit',
      'error',
      /failed/,
      /journalctl/,
    ],
    [
      'a unit that is off',
      { daemon: SILENT, unit: { ...ACTIVE, active: 'inactive' } },
      'unit',
      'error',
      /inactive/,
      /enable --now/,
    ],
    [
      'a daemon beside its unit',
      { unit: { ...ACTIVE, active: 'inactive' } },
      'unit',
      'warning',
      /by hand/,
      /enable --now/,
    ],
    [
      'a unit that is not enabled',
      { unit: { ...ACTIVE, enabled: 'disabled' } },
      'unit',
      'warning',
      /next boot/,
      /systemctl enable/,
    ],
    ['no systemd', { unit: null }, 'unit', 'ok', /^there is no systemd here, so nobody starts siderolinkd again/, null],
    [
      'a guessed private endpoint',
      { endpoints: { configured: false, endpoints: privateEndpoint } },
      'endpoints',
      'warning',
      /private/,
      /wireguard\.endpoints/,
    ],
    [
      'a chosen private endpoint',
      { endpoints: { configured: true, endpoints: privateEndpoint } },
      'endpoints',
      'ok',
      /private/,
      null,
    ],
    [
      'a name without address',
      { endpoints: { configured: true, endpoints: [...privateEndpoint, { endpoint: 'gw.test:1', addresses: null }] } },
      'endpoints',
      'error',
      /^gw\.test:1: the name has no address/,
      /DNS/,
    ],
    ['plaintext', { ...withConfig('{}'), certificates: [] }, 'api', 'warning', /plaintext/, /cert_file/],
    [
      'TLS that ends at a proxy',
      { ...withConfig('api: { url: "https://link.example.org:443" }'), certificates: [] },
      'api',
      'ok',
      /ends at a proxy/,
      null,
    ],
    [
      'our own authority',
      { ...withConfig('api: { tls: { self_signed: true } }'), certificates: [] },
      'api',
      'ok',
      /own authority/,
      null,
    ],
    [
      'an expired certificate',
      { certificates: [{ setting: 'api.tls', severity: 'error', message: '/c.pem expired' }] },
      'certificate api.tls',
      'error',
      /expired/,
      /renew/,
    ],
    ['ports of the daemon', {}, 'ports', 'ok', /the daemon has/, null],
    [
      'a foreign port',
      { daemon: SILENT },
      'ports',
      'error',
      /^taken by another program: tcp 8081 \(api\.listen\)$/,
      /ss -lntup/,
    ],
    [
      'a foreign WireGuard port',
      { daemon: SILENT, network: { ...WELL.network, interface: null } },
      'ports',
      'error',
      /udp 51821 \(wireguard\.listen_port\), tcp 8081/,
      /ss/,
    ],
    [
      'ports that may be ours',
      { daemon: { kind: 'forbidden', message: '' } },
      'ports',
      'ok',
      /perhaps by the daemon/,
      null,
    ],
    ['ports nobody knows of', { daemon: SILENT, ports: null }, 'ports', 'ok', /could not be found out/, null],
    [
      'no backend',
      { daemon: SILENT, backend: { kernel: false, wireguardGo: false, tun: true } },
      'backend',
      'error',
      /wireguard-go is not installed/,
      /modprobe.*apt install wireguard-go/,
    ],
    [
      'wireguard-go without tun',
      { daemon: SILENT, backend: { kernel: false, wireguardGo: true, tun: false } },
      'backend',
      'error',
      /\/dev\/net\/tun/,
      /modprobe tun/,
    ],
    [
      'wireguard-go',
      { daemon: SILENT, backend: { kernel: null, wireguardGo: true, tun: true } },
      'backend',
      'ok',
      /wireguard-go/,
      null,
    ],
    [
      'a kernel that is wanted and not there',
      {
        ...withConfig('overlay: { backend: kernel }'),
        daemon: SILENT,
        backend: { kernel: false, wireguardGo: true, tun: true },
      },
      'backend',
      'error',
      /backend is kernel/,
      /backend: auto/,
    ],
    [
      'userspace that is wanted and not there',
      { ...withConfig('overlay: { backend: userspace }'), daemon: SILENT },
      'backend',
      'error',
      /^wireguard-go is not installed$/,
      /^apt install wireguard-go$/,
    ],
    [
      'userspace in use beside a kernel',
      { daemon: { ...ANSWERS, backend: 'userspace' } },
      'backend',
      'warning',
      /although the kernel/,
      /siderolinkd down/,
    ],
    [
      'no nft',
      { programs: { wg: true, ip: true, nft: false } },
      'programs',
      'error',
      /not installed: nft$/,
      /nftables/,
    ],
    [
      'no nft, where there is no firewall of ours',
      { ...withConfig('overlay: { firewall: false }'), programs: { wg: true, ip: true } },
      'programs',
      'ok',
      /^wg, ip are there$/,
      null,
    ],
    [
      'IPv6 disabled before the first start',
      { ipv6: { present: true, disabled: ['all', 'default'] }, network: { ...WELL.network, interface: null } },
      'ipv6',
      'error',
      /^net\.ipv6\.conf\.default\.disable_ipv6 is 1.*no IPv6 internet/,
      /^sysctl -w net\.ipv6\.conf\.default\.disable_ipv6=0; and default in/,
    ],
    [
      'IPv6 disabled under the overlay',
      { ipv6: { present: true, disabled: ['all', 'default', 'siderolink'] } },
      'ipv6',
      'error',
      /default\.disable_ipv6, net\.ipv6\.conf\.siderolink\.disable_ipv6 are 1/,
      /default\.disable_ipv6=0; sysctl -w net\.ipv6\.conf\.siderolink\.disable_ipv6=0/,
    ],
    [
      'IPv6 disabled for the interfaces to come',
      { ipv6: { present: true, disabled: ['default'] } },
      'ipv6',
      'warning',
      /made anew would not work/,
      /default\.disable_ipv6=0/,
    ],
    [
      'IPv6 disabled for others than the overlay',
      { ipv6: { present: true, disabled: ['all'] } },
      'ipv6',
      'ok',
      /but not for the overlay/,
      null,
    ],
    [
      'a kernel without IPv6',
      { ipv6: { present: false, disabled: [] } },
      'ipv6',
      'error',
      /has no IPv6/,
      /ipv6\.disable=1/,
    ],
    [
      'no state directory yet',
      { daemon: SILENT, stateDir: { ...WELL.stateDir, state: 'missing' } },
      'state directory',
      'ok',
      /first start/,
      null,
    ],
    [
      'another state directory',
      { stateDir: { ...WELL.stateDir, state: 'missing' } },
      'state directory',
      'warning',
      /a daemon answers/,
      /--config/,
    ],
    [
      'a state directory that is a file',
      { stateDir: { ...WELL.stateDir, state: 'no_directory' } },
      'state directory',
      'error',
      /is a file/,
      /move it away/,
    ],
    [
      'a state directory of root',
      { stateDir: { ...WELL.stateDir, state: 'forbidden' } },
      'state directory',
      'warning',
      /may not be looked into/,
      /as root/,
    ],
    [
      'an open state directory',
      { stateDir: { ...WELL.stateDir, mode: 0o755 } },
      'state directory',
      'warning',
      /mode 0755/,
      /chmod 0700/,
    ],
    [
      'open secrets',
      { stateDir: { ...WELL.stateDir, mode: 0o755, exposed: ['private-key'] } },
      'state directory',
      'error',
      /secrets.*private-key/,
      /chmod -R go=/,
    ],
    [
      'open files in a closed directory',
      { stateDir: { ...WELL.stateDir, exposed: ['private-key'] } },
      'state directory',
      'ok',
      /owner's alone/,
      null,
    ],
    [
      'a full disk',
      { stateDir: { ...WELL.stateDir, freeBytes: 1e8 } },
      'space',
      'error',
      /95 MiB free/,
      /larger file system/,
    ],
    [
      'a disk smaller than the budget',
      { stateDir: { ...WELL.stateDir, freeBytes: 2 * GIB } },
      'space',
      'warning',
      /2\.0 GiB free.*by 10\.0 GiB more/,
      /store\.max_bytes/,
    ],
    [
      'forwarding without our firewall',
      { ...withConfig('overlay: { firewall: false }'), network: { ...WELL.network, forwarding: true } },
      'forwarding',
      'warning',
      /reach each other/,
      /firewall: true/,
    ],
    [
      'forwarding with it',
      { network: { ...WELL.network, forwarding: true } },
      'forwarding',
      'ok',
      /our firewall/,
      null,
    ],
    [
      'strict reverse path with two uplinks',
      {
        network: {
          ...WELL.network,
          strictReversePath: ['eth1'],
          uplinks: [...WELL.network.uplinks, { name: 'eth1', mtu: 1_500 }],
        },
      },
      'reverse path',
      'warning',
      /strict on eth1/,
      /conf\.eth1\.rp_filter=2/,
    ],
    [
      'a narrow uplink',
      { network: { ...WELL.network, uplinks: [{ name: 'ppp0', mtu: 1_300 }] } },
      'mtu',
      'warning',
      /ppp0 has MTU 1300.*1360/,
      /1360/,
    ],
    [
      'an MTU that somebody changed',
      { network: { ...WELL.network, interface: { mtu: 1_420 } } },
      'mtu',
      'warning',
      /1420 instead of 1280/,
      /networkd/,
    ],
    ['a clock of long ago', { now: 0 }, 'clock', 'error', /1970/, /set-ntp/],
    ['a clock nobody keeps', { clockSynchronized: false }, 'clock', 'warning', /nobody says/, /set-ntp/],
    ['a clock nobody knows of', { clockSynchronized: null }, 'clock', 'ok', /nobody on this host knows/, null],
  ])('%s', (_, facts, name, severity, message, remedy) => {
    const check = find(facts, name);
    expect(check?.severity).toBe(severity);
    expect(check?.message).toMatch(message);
    if (remedy === null) expect(check?.remedy).toBeNull();
    else expect(check?.remedy).toMatch(remedy);
  });

  it('says nothing twice: what the daemon finds of the API is judged here already', () => {
    const conditions = [{ name: 'api_plaintext', severity: 'warning', message: 'the API is plaintext' }] as const;
    expect(judge({ ...WELL, daemon: { ...ANSWERS, conditions } })).toEqual(judge(WELL));
  });

  it('says that machines wait to join, and nothing where none does or nobody counts', () => {
    expect(find({ daemon: { ...ANSWERS, joinWaits: 2 } }, 'joins')).toMatchObject({
      severity: 'warning',
      message: expect.stringMatching(/^2 machines wait to join: it is not known yet/),
      remedy: expect.stringMatching(/ends by itself.*select\(\.join_wait\)/),
    });
    expect(find({ daemon: { ...ANSWERS, joinWaits: 1 } }, 'joins')?.message).toMatch(/^1 machine waits/);
    for (const joinWaits of [0, null]) expect(find({ daemon: { ...ANSWERS, joinWaits } }, 'joins')).toBeUndefined();
    expect(find({ daemon: SILENT }, 'joins')).toBeUndefined();
  });

  it('says nothing of links that the daemon does not count', () => {
    expect(find({ daemon: { ...ANSWERS, links: { up: 7, hinted: null } } }, 'links')).toBeUndefined();
    expect(find({ daemon: SILENT }, 'links')).toBeUndefined();
  });

  it('one uplink may be as strict as it likes', () => {
    expect(find({ network: { ...WELL.network, strictReversePath: ['eth0'] } }, 'reverse path')).toBeUndefined();
  });
});

describe('the report', () => {
  const checks: readonly Check[] = [
    { name: 'a', severity: 'ok', message: 'fine', remedy: null },
    { name: 'longer', severity: 'error', message: 'first\nsecond\u001b[31m', remedy: 'do this' },
    { name: 'c', severity: 'warning', message: 'hm', remedy: 'do that' },
  ];

  it('for people: aligned, the remedy below, harmless', () => {
    expect(formatChecks(checks, false)).toBe(
      [
        'ok       a       fine',
        'error    longer  first',
        '                 second?[31m',
        '                 to do: do this',
        'warning  c       hm',
        '                 to do: do that',
        '',
        '1 error, 1 warning',
        '',
      ].join('\n'),
    );
    expect(formatChecks(checks.slice(0, 1), false)).toMatch(/\nall is well\n$/);
    expect(formatChecks(checks, true)).toContain('\u001b[31merror');
  });

  it('for programs: one line, and an exit code', () => {
    expect(JSON.parse(checksJson(checks))).toEqual({ errors: 1, warnings: 1, checks });
    expect(exitCodeOf(checks)).toBe(1);
    expect(exitCodeOf(checks.filter(({ severity }) => severity !== 'error'))).toBe(0);
  });
});
