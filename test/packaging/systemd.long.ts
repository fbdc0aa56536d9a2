import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BootedDebian, DebianTree, host, until } from './debian.ts';

/**
 * A Debian as docs/install.md wants it: installed by scripts/install, booted, used and abused. The tests are the chapters
 * of one story and run in this order.
 */
const tree = new DebianTree();
const debian = new BootedDebian(tree);
let bootState = '';

beforeAll(async () => {
  await host('scripts/setup', '--long');
  await tree.build();
  await host('scripts/install', '--root', tree.root);
  await host('systemctl', `--root=${tree.root}`, 'enable', 'siderolinkd.service');
  // The unit for wireguard-go is skipped where the kernel could do it, and we are here to see it.
  tree.write(
    'etc/siderolinkd/config.yaml',
    'overlay:\n  backend: userspace\nwireguard:\n  endpoints: ["192.0.2.1:51821"]\n',
  );
  bootState = await debian.boot();
});
afterAll(async () => {
  await debian.dispose();
  tree.dispose();
});

const property = (unit: string, name: string) => debian.run(`systemctl show --property=${name} --value ${unit}`);
const pid = (unit: string) => property(unit, 'MainPID');
const ctl = async (args: string) => JSON.parse(await debian.run(`siderolinkctl ${args} --output json`));
const ready = () => until('the daemon serves', async () => (await ctl('status')).ready === true);
const status = (processId: string, field: string) =>
  debian.run(`awk '/^${field}:/ {print $2}' /proc/${processId}/status`);

/** What a restart of the daemon must not touch. */
async function device() {
  return {
    wireguard: await pid('siderolinkd-wg'),
    index: await debian.run('cat /sys/class/net/siderolink/ifindex'),
    handshakes: await debian.run('wg show siderolink latest-handshakes'),
  };
}

/** What the daemon complained about, by its own word and by systemd's. */
async function complaints(): Promise<readonly string[]> {
  const lines = (await debian.run('journalctl -u siderolinkd -u siderolinkd-wg --output=json')).split('\n');
  return lines
    .map((line) => JSON.parse(line) as { MESSAGE: string; PRIORITY: string })
    .filter(({ MESSAGE, PRIORITY }) => Number(PRIORITY) <= 4 || /"level":"(warn|error|fatal)"/.test(MESSAGE))
    .map(({ MESSAGE }) => MESSAGE);
}

describe('an installed siderolinkd', () => {
  it('starts at boot, as its own user with one capability, and says that it serves', async () => {
    expect(bootState).toBe('running');
    expect(await property('siderolinkd', 'ActiveState')).toBe('active');
    expect(await property('siderolinkd', 'StatusText')).toBe('Serving machines');
    expect(await debian.run('systemctl status siderolinkd')).toContain('Status: "Serving machines"');
    const daemon = await pid('siderolinkd');
    expect(await status(daemon, 'Uid')).toBe(await debian.run('id -u siderolinkd'));
    // CAP_NET_ADMIN is number 12.
    expect(BigInt(`0x${await status(daemon, 'CapEff')}`)).toBe(1n << 12n);
    expect(BigInt(`0x${await status(daemon, 'CapBnd')}`)).toBe(1n << 12n);
  });

  it('has wireguard-go in a unit of its own, and an interface', async () => {
    const wireguard = await pid('siderolinkd-wg');
    expect(await debian.run(`cat /proc/${wireguard}/comm`)).toBe('wireguard-go');
    expect(await status(wireguard, 'Uid')).toBe(await debian.run('id -u siderolinkd'));
    expect(await debian.run(`cat /proc/${wireguard}/cgroup`)).toContain('/siderolinkd-wg.service');
    expect(await property('siderolinkd-wg', 'MemoryMax')).toBe(String(2 ** 30));
    const { overlay, wireguard: said } = await ctl('status');
    expect(said.backend).toBe('userspace');
    expect(await debian.run('ip -6 -o address show dev siderolink')).toContain(`${overlay.server}/128`);
    expect(await debian.run('wg show siderolink public-key')).toBe(said.public_key);
  });

  it('has loaded its firewall table', async () => {
    const { overlay } = await ctl('status');
    expect(await debian.run('nft list table inet siderolinkd-siderolink')).toContain(`ip6 daddr ${overlay.prefix}`);
  });

  it('is controlled by root and its group, and by nobody else', async () => {
    await debian.run('useradd -G siderolinkd friend && useradd stranger');
    expect(await debian.run('runuser -u friend siderolinkctl status')).toContain('ready');
    expect((await debian.try('runuser -u stranger siderolinkctl status')).exitCode).not.toBe(0);
  });

  it('keeps its files to itself', async () => {
    const files = await debian.run('find /var/lib/siderolinkd -printf "%m %u %g %y %f\\n"');
    const modes = new Map(files.split('\n').map((line) => [line.split(' ')[4], line.split(' ').slice(0, 4).join(' ')]));
    expect(modes.get('siderolinkd')).toBe('700 siderolinkd siderolinkd d');
    for (const name of ['lock', 'siderolinkd.db', 'private-key', 'installation-id', 'unique-token-key']) {
      expect([name, modes.get(name)]).toEqual([name, '600 siderolinkd siderolinkd f']);
    }
    expect([...modes.values()].filter((mode) => !/^[67]00 siderolinkd siderolinkd/.test(mode))).toEqual([]);
  });

  it('joins a machine', async () => {
    await debian.run(
      'ip link add lan0 type veth peer name lan1 && ip address add 192.0.2.1/24 dev lan0 && ip link set lan0 up && ip link set lan1 up',
    );
    await debian.run('umask 077; siderolinkctl token create first >/root/token 2>/dev/null');
    await debian.run('umask 077; siderolinkctl kernel-args >/root/args');
    await debian.run(
      'systemd-run --unit=machine --setenv=HOME=/root siderolinkd simulate --count 1 --speed inf --rate 20 --kernel-args-file /root/args --join-token-file /root/token',
    );
    await until('the machine runs', async () => {
      const { stage, link } = await ctl('machine list');
      return stage === 'RUNNING' && link.state === 'up';
    });
    expect(await ctl('machine list')).toMatchObject({ state: 'accepted', boot: 1, link: { state: 'up', mode: 'udp' } });
  });

  it('has nothing to complain about so far', async () => {
    expect(await complaints()).toEqual([]);
  });
});

describe('a restart', () => {
  it('touches neither wireguard-go nor the links', async () => {
    const before = await device();
    const daemon = await pid('siderolinkd');
    await debian.run('systemctl restart siderolinkd');
    expect(await device()).toEqual(before);
    expect(await pid('siderolinkd')).not.toBe(daemon);
    expect((await ctl('status')).ready).toBe(true);
  });

  it('after kill -9 comes by itself, and touches them neither', async () => {
    const before = await device();
    const restarts = Number(await property('siderolinkd', 'NRestarts'));
    await debian.run(`kill -9 ${await pid('siderolinkd')}`);
    await until('systemd starts it', async () => Number(await property('siderolinkd', 'NRestarts')) > restarts);
    await ready();
    expect(await device()).toEqual(before);
  });

  it('comes when the daemon hangs', async () => {
    tree.write('etc/systemd/system/siderolinkd.service.d/test.conf', '[Service]\nWatchdogSec=2\n');
    await debian.run('systemctl daemon-reload && systemctl restart siderolinkd');
    const before = await device();
    const restarts = Number(await property('siderolinkd', 'NRestarts'));
    await debian.run(`kill -STOP ${await pid('siderolinkd')}`);
    await until('systemd starts it', async () => Number(await property('siderolinkd', 'NRestarts')) > restarts);
    await ready();
    expect(await debian.run('journalctl -u siderolinkd')).toContain('Watchdog timeout');
    expect(await device()).toEqual(before);
    await debian.run('rm -r /etc/systemd/system/siderolinkd.service.d && systemctl daemon-reload');
  });

  it('loses no machine: it never joined again, and goes on sending', async () => {
    const { boot, link } = await ctl('machine list');
    expect({ boot, state: link.state }).toEqual({ boot: 1, state: 'up' });
    const { head } = (await ctl('status')).records;
    await until('more records', async () => (await ctl('status')).records.head > head);
  });
});

describe('wireguard-go that ends', () => {
  const linked = () =>
    until(
      'the machine is linked',
      async () => /\t[1-9]\d*$/.test(await debian.run('wg show siderolink latest-handshakes')),
      90_000,
    );
  const seen = () => until('the daemon sees it', async () => (await ctl('machine list')).link.state === 'up');

  it.each([
    ['with its interface, which somebody deletes', async () => debian.run('ip link delete dev siderolink')],
    ['killed', async () => debian.run(`kill -9 ${await pid('siderolinkd-wg')}`)],
  ])('%s: is made anew by its unit and filled by the daemon, and the machine is back', async (_, end) => {
    const before = await pid('siderolinkd-wg');
    const daemon = await pid('siderolinkd');
    const endpoints = await debian.run('wg show siderolink endpoints');
    await end();
    // The other has its socket, and could be asked, until it has ended.
    await until('there is another', async () => !['0', before].includes(await pid('siderolinkd-wg')));
    await linked();
    expect(await debian.run('wg show siderolink endpoints')).toBe(endpoints);
    await seen();
    expect((await ctl('machine list')).boot).toBe(1);
    expect(await pid('siderolinkd')).toBe(daemon);
  });

  it('and cannot be had when the daemon starts: that comes by itself as soon as it can', async () => {
    tree.write(
      'etc/systemd/system/siderolinkd-wg.service.d/test.conf',
      '[Service]\nExecStart=\nExecStart=/bin/false\n',
    );
    await debian.run('systemctl daemon-reload && systemctl stop siderolinkd siderolinkd-wg');
    expect((await debian.try('systemctl start siderolinkd')).exitCode).not.toBe(0);
    // Counted from that start.
    await until('systemd tries again', async () => Number(await property('siderolinkd', 'NRestarts')) > 0);
    expect(await debian.run('journalctl -u siderolinkd -n 100')).toContain('status=69/UNAVAILABLE');
    await debian.run('rm -r /etc/systemd/system/siderolinkd-wg.service.d && systemctl daemon-reload');
    await ready();
    await linked();
    await seen();
    expect((await ctl('machine list')).boot).toBe(1);
  });
});

describe('sockets that systemd holds', () => {
  const names = ['api', 'kmsg', 'kmsg-udp', 'events'];
  const states = () => Promise.all(names.map((name) => property(`siderolinkd-${name}.socket`, 'ActiveState')));
  /** As init and the error say it. */
  const anew = "systemctl stop 'siderolinkd-*.socket' siderolinkd && systemctl start siderolinkd";
  const all = (state: string) => names.map(() => state);
  const restarted = async (command: string) => {
    const { exitCode, stderr } = await debian.try(command);
    if (exitCode !== 0) throw new Error(`${stderr}\n${await debian.run("journalctl -u 'siderolinkd*' -n 40")}`);
    await ready();
  };

  it('are of no use to anybody until init has written where they listen', async () => {
    expect(await states()).toEqual(all('inactive'));
    const said = await debian.run('siderolinkd init');
    for (const name of names) expect(said).toContain(`/siderolinkd-${name}.socket.d/siderolinkd.conf`);
    expect(await debian.run('siderolinkd init')).toContain('Nothing has changed.');
    expect(await debian.run('journalctl -u siderolinkd')).not.toContain('systemd listens for us');
    await restarted('systemctl daemon-reload && systemctl restart siderolinkd');
    expect(await states()).toEqual(all('active'));
    const [, taken] =
      /"sockets":(\[[^\]]*\]),"msg":"systemd listens for us"/.exec(await debian.run('journalctl -u siderolinkd')) ?? [];
    expect(JSON.parse(taken ?? '[]').sort()).toEqual([...names].sort());
  });

  it('keep callers waiting while the daemon restarts, in order or killed, and cut no link', async () => {
    const before = await device();
    const { overlay } = await ctl('status');
    tree.write('root/callers.mjs', readFileSync(new URL('./callers.mjs', import.meta.url), 'utf8'));
    const callers = `systemd-run --unit=callers /usr/lib/siderolinkd/bin/node /root/callers.mjs ${overlay.server}`;
    await debian.run(callers);
    for (let restart = 0; restart < 2; restart++) await restarted('systemctl restart siderolinkd');
    await debian.run('systemctl stop callers');
    const ordered = JSON.parse(await debian.run('cat /root/calls.json'));
    for (const call of ['api', 'kmsg']) expect(Object.keys(ordered[call]), call).toEqual(['answered']);

    await debian.run(callers);
    const restarts = Number(await property('siderolinkd', 'NRestarts'));
    await debian.run(`kill -9 ${await pid('siderolinkd')}`);
    await until('systemd starts it', async () => Number(await property('siderolinkd', 'NRestarts')) > restarts);
    await ready();
    await debian.run('systemctl stop callers');
    const { api, kmsg } = JSON.parse(await debian.run('cat /root/calls.json'));
    expect(Object.keys(kmsg)).toEqual(['answered']);
    // Who was being served when it was killed sees that; nobody is refused.
    expect(Object.keys(api).filter((end) => !/^answered$|Connection dropped|ECONNRESET/.test(end))).toEqual([]);
    expect(api.answered).toBeGreaterThan(10);
    expect(await device()).toEqual(before);
    expect(await states()).toEqual(all('active'));
    expect((await ctl('machine list')).boot).toBe(1);
  });

  it('that are not what the configuration says end the start, with what to do about it', async () => {
    const good = await debian.run('cat /etc/siderolinkd/config.yaml');
    tree.write('etc/siderolinkd/config.yaml', `${good}\nsinks:\n  events_port: 4012\n`);
    expect((await debian.try('systemctl restart siderolinkd')).exitCode).not.toBe(0);
    const journal = () => debian.run('journalctl -u siderolinkd -n 100');
    expect(await journal()).toMatch(/events: sinks.events_port wants tcp .*:4012/);
    expect(await journal()).toContain('status=78/CONFIG');
    // Machines call, and each call starts it; that is not for ever.
    const results = () => Promise.all(names.map((name) => property(`siderolinkd-${name}.socket`, 'Result')));
    await until('systemd gives up', async () => (await results()).includes('trigger-limit-hit'), 120_000);
    await until('it is left alone', async () => (await property('siderolinkd', 'ActiveState')) === 'failed');
    // What it says there:
    await debian.run('siderolinkd init && systemctl daemon-reload');
    await restarted(anew);
    expect(await debian.run('ss -Hltn sport = :4012')).toContain((await ctl('status')).overlay.server);
    tree.write('etc/siderolinkd/config.yaml', `${good}\n`);
    await debian.run('siderolinkd init && systemctl daemon-reload');
    await restarted(anew);
  });

  it('listen before there is an interface', async () => {
    const { overlay } = await ctl('status');
    await debian.run("systemctl stop 'siderolinkd-*.socket' siderolinkd siderolinkd-wg && siderolinkd down");
    expect(await debian.run('ip -o link show')).not.toContain('siderolink:');
    await debian.run('systemctl start siderolinkd-events.socket siderolinkd-kmsg-udp.socket');
    expect(await debian.run('ss -Hltn sport = :4002')).toContain(overlay.server);
    expect(await debian.run('ss -Hlun sport = :4001')).toContain(overlay.server);
    await restarted('systemctl start siderolinkd');
    expect(await states()).toEqual(all('active'));
    expect((await ctl('status')).overlay).toEqual(overlay);
  });

  it('are turned off by taking away what init wrote', async () => {
    await debian.run('rm /etc/systemd/system/siderolinkd*.d/siderolinkd.conf && systemctl daemon-reload');
    await restarted(anew);
    expect(await states()).toEqual(all('inactive'));
  });
});

describe('stopping', () => {
  it('ends the daemon by itself, in time, and leaves the device', async () => {
    const before = await device();
    await debian.run('systemctl stop siderolinkd');
    // "timeout" is what it would say had systemd had to kill it.
    expect(await property('siderolinkd', 'Result')).toBe('success');
    expect(await property('siderolinkd', 'ActiveState')).toBe('inactive');
    expect((await device()).wireguard).toBe(before.wireguard);
    expect((await device()).index).toBe(before.index);
  });

  it('happens at once for a wrong configuration, and systemd does not try again', async () => {
    const good = await debian.run('cat /etc/siderolinkd/config.yaml');
    tree.write('etc/siderolinkd/config.yaml', 'overlay:\n  mtuu: 1280\n');
    expect((await debian.try('systemctl restart siderolinkd')).exitCode).not.toBe(0);
    expect(await property('siderolinkd', 'ExecMainStatus')).toBe('78');
    expect(await property('siderolinkd', 'ActiveState')).toBe('failed');
    expect(await debian.run('journalctl -u siderolinkd -n 20')).toContain('overlay.mtuu');
    tree.write('etc/siderolinkd/config.yaml', good);
    await debian.run('systemctl start siderolinkd');
    await ready();
  });

  it('is all that the unit of wireguard-go does where the kernel is to do its work', async () => {
    const config = await debian.run('cat /etc/siderolinkd/config.yaml');
    tree.write('etc/siderolinkd/config.yaml', config.replace('userspace', 'kernel'));
    await debian.try('systemctl restart siderolinkd-wg');
    expect(await property('siderolinkd-wg', 'Result')).toBe('exec-condition');
    // Not "auto-restart": Restart=always is not for this.
    expect(await property('siderolinkd-wg', 'SubState')).toBe('dead');
    tree.write('etc/siderolinkd/config.yaml', config);
    await debian.run('systemctl start siderolinkd-wg');
  });

  /** The commands of the page's last chapter, a block each. */
  const removing = () => {
    const page = readFileSync(new URL('../../docs/install.md', import.meta.url), 'utf8');
    const chapter = page.slice(page.indexOf('\n## Removing\n'));
    return [...chapter.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => `set -e\n${block}`);
  };
  const found = (where: string) => debian.run(`find ${where} -xdev -iname '*siderolink*' -not -path '/proc/*'`);

  it('for good, as the page says, leaves nothing but the state', async () => {
    // As much as there can be: what systemd listens on as well.
    await debian.run('systemctl stop machine && siderolinkd init && systemctl daemon-reload');
    await debian.run('systemctl restart siderolinkd');
    const [stop, files] = removing();
    await debian.run(stop ?? '');
    expect(await debian.run('ip -o link show')).not.toContain('siderolink:');
    expect(await debian.run('ip -6 route show table all')).not.toContain('siderolink');
    expect(await debian.run('ip -6 route show table all')).not.toContain('unreachable fd');
    expect(await debian.run('nft list tables')).not.toContain('siderolink');
    expect(await debian.run('ls /var/lib/siderolinkd')).toContain('siderolinkd.db');
    expect(await debian.run('pgrep -u siderolinkd || true')).toBe('');
    await debian.run(files ?? '');
    expect(await found('/usr /etc /run')).toBe('/etc/siderolinkd');
    for (const list of ['list-units', 'list-unit-files']) {
      expect((await debian.try(`systemctl ${list} --no-legend "siderolinkd*"`)).stdout).toBe('');
    }
    expect(await debian.run('ls /var/lib/siderolinkd')).toContain('siderolinkd.db');
  });

  it('and then, as the page says, nothing at all', async () => {
    await debian.run(removing()[2] ?? '');
    expect(await found('/usr /etc /run /var/lib')).toBe('');
    expect(await debian.run('cat /etc/passwd /etc/shadow /etc/group /etc/gshadow')).not.toContain('siderolink');
    expect(await debian.run('find / -xdev -nouser -o -nogroup | grep -v ^/run/wireguard || true')).toBe('');
  });
});
