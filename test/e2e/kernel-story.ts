import assert from 'node:assert/strict';
import { chownSync, cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SiderolinkError } from '../../src/domain/errors.ts';
import type { ObservedPeer } from '../../src/wireguard/types.ts';
import { storedLines } from './explained-lines.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { isolates } from './kernel-isolation.ts';
import { type Process, processes, repairs, sameSession, variables } from './kernel-look.ts';
import { intoTheTunnelAndBack } from './kernel-switch.ts';
import { slow, Traffic } from './kernel-traffic.ts';

/** The built one, as it is installed. */
const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const USER = 'siderolinkd';
/** The user and the one capability of siderolinkd.service. */
const AS_IN_THE_UNIT = [
  ...['setpriv', '--reuid', USER, '--regid', USER, '--clear-groups', '--no-new-privs'],
  ...['inh-caps', 'ambient-caps', 'bounding-set'].map((set) => `--${set}=-all,+net_admin`),
];
const CAP_NET_ADMIN = 1n << 12n;
/** A link is up so long after its last packet. */
const WINDOW_MS = 75_000;

export interface StoryOptions {
  readonly backend: 'kernel' | 'auto';
  /** Where what is waited for may take minutes, because others want the processor too. */
  readonly patienceMs: number;
}

type Steps = Readonly<Record<string, (story: KernelStory) => Promise<void>>>;

/**
 * A whole daemon on the kernel's WireGuard, on a host that has Debian's kernel: the steps of one story, in order. The
 * daemon is the built one, as its unit starts it: by its launcher, as its own user with one capability.
 */
export class KernelStory {
  /** By what each of them shows. */
  static readonly steps: Steps = {
    'no wireguard-go is started where the kernel can load its module': (story) => story.#condition(),
    'the daemon takes the kernel’s WireGuard, as its own user': (story) => story.#starts(),
    'a machine joins by UDP: its log and its events come, and siderolinkctl shows them': (story) => story.#joins(),
    'a machine joins through TCP alone': (story) => story.#joinsByTcp(),
    'a machine reaches neither another nor more of the gateway than its sinks, nor speaks for another': (story) =>
      isolates(story.#gateway, story.#guests),
    'a machine changes from UDP into the tunnel and back, as the one that it is': (story) =>
      intoTheTunnelAndBack(story.#gateway, story.#guests[0]),
    'a kill and the start of another build under traffic cut no link': (story) => story.#upgrade(),
    'a device that is deleted is made anew, with the endpoints that its machines had': (story) => story.#deleted(),
  };

  /** What takes minutes, after these. */
  static readonly longSteps: Steps = {
    'a stop and a start under traffic cut no link': (story) => story.#restart('SIGTERM'),
    'after a restart nobody is declared down before a full window has passed': (story) => story.#window(),
    'down leaves nothing': (story) => story.#down(),
  };

  readonly #gateway: Gateway;
  readonly #settings: Readonly<Record<string, string>>;
  #udp: Guest | undefined;
  #tunnel: Guest | undefined;

  constructor({ backend, patienceMs }: StoryOptions) {
    this.#gateway = new Gateway({ patienceMs });
    this.#settings = { 'overlay.backend': backend };
  }

  get log(): string {
    return existsSync(join(this.#gateway.directory, 'log')) ? this.#gateway.log : '';
  }

  dispose(): Promise<void> {
    return this.#gateway.dispose();
  }

  get #joined(): readonly Guest[] {
    return [this.#udp, this.#tunnel].filter((guest) => guest !== undefined);
  }

  get #guests(): readonly [udp: Guest, tunnel: Guest] {
    if (this.#udp === undefined || this.#tunnel === undefined) throw new Error('the machines did not join');
    return [this.#udp, this.#tunnel];
  }

  /** What siderolinkd-wg.service asks before it starts, which is before the daemon. */
  async #condition(): Promise<void> {
    assert.equal(existsSync('/sys/module/wireguard'), false, 'nobody has wanted WireGuard yet');
    const question = [process.execPath, join(DIST, 'daemon/wireguard-unit.js'), 'needed'];
    const said = await slow.run(['env', ...variables(this.#settings), ...AS_IN_THE_UNIT, ...question]).then(
      () => 'needed',
      (error: SiderolinkError) => [error.details['exitCode'], error.details['stderr']],
    );
    assert.deepEqual(said, [1, '']);
    const names = readdirSync('/sys/class/net').filter((name) => name.startsWith('wg'));
    assert.deepEqual(names, [], 'nothing of the question is left');
  }

  async #starts(): Promise<void> {
    const gateway = this.#gateway;
    await gateway.create();
    // Its state, its socket and its log are here.
    chownSync(gateway.directory, userId(), userId());
    gateway.daemon = this.#daemonOf(DIST);
    await this.#start();
    const { wireguard } = await gateway.client.status();
    assert.equal(wireguard.backend, 'kernel');
    assert.equal(await this.#kind(), 'wireguard');
    assert.deepEqual(
      processes().filter(({ name }) => name === 'wireguard-go'),
      [],
    );
    const { capabilities } = this.#process();
    assert.deepEqual([capabilities.get('CapEff'), capabilities.get('CapBnd')], [CAP_NET_ADMIN, CAP_NET_ADMIN]);
    const condition = (await gateway.client.status()).conditions.find(({ name }) => name === 'wireguard');
    assert.equal(condition?.severity ?? 'ok', 'ok');
  }

  async #joins(): Promise<void> {
    const gateway = this.#gateway;
    const guest = await Guest.create(gateway, { quiet: false });
    this.#udp = guest;
    const address = await guest.on();
    await gateway.until('the machine runs', async () => {
      const { stage, link } = await gateway.client.machine(guest.uuid);
      return stage === 'RUNNING' && link.state === 'up';
    });
    const machine = await gateway.client.machine(guest.uuid);
    assert.deepEqual([machine.address, machine.boot, machine.link.mode], [address, 1, 'udp']);
    await gateway.until('all lines of the boot are stored', async () => {
      const { nextSeq } = await guest.state();
      return nextSeq > 0 && (await storedLines(gateway, guest.uuid)).stored >= nextSeq;
    });
    assert.deepEqual((await storedLines(gateway, guest.uuid)).missing, 0);
    const shown = await this.#ctl('logs', '--tail', '5', guest.uuid);
    assert.equal(shown.trimEnd().split('\n').length, 5, shown);
    assert.match(await this.#ctl('events', guest.uuid), /RUNNING/i);
  }

  async #joinsByTcp(): Promise<void> {
    const gateway = this.#gateway;
    const { args } = await gateway.client.kernelArgs({ token: gateway.token, tunnel: true });
    const guest = await Guest.create(gateway, { kernelArguments: args.join(' ') });
    this.#tunnel = guest;
    await guest.machine.setOutage('udp');
    await guest.on();
    await this.#lineOf(guest, 'through TCP alone');
    await gateway.until('it is seen in the tunnel', async () => {
      const { link } = await gateway.client.machine(guest.uuid);
      return link.mode === 'tunnel' && link.state === 'up';
    });
    assert.match((await this.#peer(guest)).endpoint ?? '', /^127\.64\.0\.\d+:\d+$/);
  }

  async #restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const gateway = this.#gateway;
    const states = await Promise.all(this.#joined.map((guest) => guest.state()));
    const traffic = new Traffic(this.#joined);
    const [before, port] = [await this.#look(), (await gateway.client.status()).wireguard.listen_port];
    await traffic.more(5);
    assert.equal(await gateway.end(signal), signal === 'SIGTERM' ? 0 : null);
    const away = await this.#look();
    await traffic.more(5);
    const began = gateway.log.length;
    await this.#start();
    const after = await this.#look();
    for (const [index, guest] of this.#joined.entries()) {
      const marker = `after ${signal} ${index}`;
      // The first line after the end goes into a dead connection, whatever the link (facts/users.md D1).
      await gateway.until('a line arrives', async () => {
        await guest.machine.log(marker);
        return (await gateway.records({ machine: guest.uuid, grep: marker })).length > 0;
      });
    }
    await traffic.stop();
    const last = await this.#look();
    for (const [index, guest] of this.#joined.entries()) {
      const seen = [before, away, after, last].map((look) => at(look, index));
      sameSession(seen, { isTunnelled: guest === this.#tunnel });
      const { boot } = await gateway.client.machine(guest.uuid);
      const { counters } = await guest.state();
      assert.deepEqual([boot, counters.provisions], [1, states[index]?.counters.provisions]);
      assert.deepEqual(await gateway.records({ machine: guest.uuid, filter: ['*.*.*.link.down'] }), []);
    }
    assert.equal((await gateway.client.status()).wireguard.listen_port, port);
    // Read, compare: nothing but the firewall, which it cannot know, is written again.
    assert.deepEqual(repairs(gateway.log.slice(began)), ['firewall']);
    for (const guest of this.#joined) {
      assert.deepEqual(
        guest.notices('tunnel_ended').filter(({ status }) => status === 7),
        [],
      );
      await gateway.until('every line is stored or in a gap', async () => {
        return (await storedLines(gateway, guest.uuid)).unexplained.length === 0;
      });
    }
  }

  async #upgrade(): Promise<void> {
    // Beside the other, so that it finds the same packages.
    const next = join(dirname(DIST), 'dist-of-the-next-version');
    cpSync(DIST, next, { recursive: true });
    this.#gateway.daemon = this.#daemonOf(next);
    await this.#restart('SIGKILL');
  }

  async #deleted(): Promise<void> {
    const gateway = this.#gateway;
    const [silent] = this.#guests;
    const before = await this.#look();
    const { pid } = this.#process();
    await silent.machine.setOutage('all');
    await gateway.namespace.run(['ip', 'link', 'del', 'dev', gateway.interface]);
    await gateway.until('the device has its peers again', async () => {
      const peers = await gateway.peers();
      return (await Promise.all(this.#guests.map((guest) => keyOf(guest)))).every((key) => peers.has(key));
    });
    assert.equal(await this.#kind(), 'wireguard');
    const peer = await this.#peer(silent);
    assert.deepEqual([peer.endpoint, peer.latestHandshake], [at(before, 0).endpoint, 0]);
    assert.equal((await this.#peer(this.#guests[1])).endpoint, at(before, 1).endpoint);
    await silent.machine.setOutage('none');
    for (const [index, guest] of this.#guests.entries()) {
      // The gateway speaks first: it knows where they are.
      await gateway.until('the gateway reaches it', async () => {
        (await gateway.client.connect(guest.uuid, 50_000)).destroy();
        return true;
      });
      await this.#lineOf(guest, `with a new device ${index}`);
      assert.equal((await gateway.client.machine(guest.uuid)).boot, 1);
      await gateway.until('its link is up', async () => (await gateway.client.machine(guest.uuid)).link.state === 'up');
    }
    assert.equal(this.#process().pid, pid);
    // Which the next reading says; the device is read every 5 s, or every 15 s where it takes long.
    await gateway.until('all is well again', async () => (await gateway.client.status()).ready);
  }

  async #window(): Promise<void> {
    const gateway = this.#gateway;
    const [gone] = this.#guests;
    assert.equal(await gateway.end('SIGTERM'), 0);
    await gone.off();
    await this.#start();
    const { started_at } = await gateway.client.status();
    const downs = () => gateway.records({ machine: gone.uuid, filter: ['*.*.*.link.down'] });
    await gateway.until('it is declared down', async () => (await downs()).length > 0, WINDOW_MS * 4);
    const [down] = await downs();
    const afterMs = Date.parse(down?.received_at ?? '') - Date.parse(started_at);
    assert.ok(afterMs >= WINDOW_MS, `declared down after ${afterMs} ms`);
    assert.deepEqual(await gateway.records({ machine: this.#guests[1].uuid, filter: ['*.*.*.link.down'] }), []);
  }

  async #down(): Promise<void> {
    const gateway = this.#gateway;
    assert.equal(await gateway.end('SIGTERM'), 0);
    assert.equal(await this.#kind(), 'wireguard');
    const settings = { ...this.#settings, state_dir: gateway.stateDir, 'overlay.interface': gateway.interface };
    await gateway.namespace.run(['env', ...variables(settings), ...gateway.daemon, 'down'], { timeoutMs: 120_000 });
    assert.equal((await gateway.namespace.run(['ip', 'link', 'show'])).includes(gateway.interface), false);
    assert.equal(await gateway.namespace.run(['nft', 'list', 'ruleset']), '');
    assert.equal((await gateway.namespace.run(['ip', '-6', 'route'])).includes('unreachable'), false);
  }

  /** The daemon's main one. */
  #process(): Process {
    const names = /^(node|siderolinkd|MainThread)$/;
    const found = processes().find(({ uid, name }) => uid === userId() && names.test(name));
    if (found === undefined) throw new Error('no process of the daemon');
    return found;
  }

  #daemonOf(dist: string): readonly string[] {
    return [...AS_IN_THE_UNIT, join(dist, 'daemon/siderolinkd.sh')];
  }

  #start(): Promise<void> {
    return this.#gateway.start(this.#settings);
  }

  async #kind(): Promise<string | undefined> {
    const gateway = this.#gateway;
    const links = await gateway.namespace.run(['ip', '-j', '-d', 'link', 'show', 'dev', gateway.interface]);
    return (JSON.parse(links) as { linkinfo?: { info_kind?: string } }[])[0]?.linkinfo?.info_kind;
  }

  #ctl(...args: readonly string[]): Promise<string> {
    const socket = join(this.#gateway.directory, 'control.sock');
    const argv = [process.execPath, join(DIST, 'cli/main.js'), '--socket', socket, ...args] as const;
    return this.#gateway.namespace.run([...argv], { timeoutMs: 120_000 });
  }

  async #lineOf(guest: Guest, text: string): Promise<void> {
    await this.#gateway.until(`"${text}" is stored`, async () => {
      await guest.machine.log(text);
      return (await this.#gateway.records({ machine: guest.uuid, filter: ['*.*.*.kmsg.>'], grep: text })).length > 0;
    });
  }

  async #peer(guest: Guest): Promise<ObservedPeer> {
    const peer = (await this.#gateway.peers()).get(await keyOf(guest));
    if (peer === undefined) throw new Error(`the device does not show ${guest.uuid}`);
    return peer;
  }

  /** What the device shows of the machines. */
  async #look(): Promise<readonly ObservedPeer[]> {
    return await Promise.all(this.#joined.map((guest) => this.#peer(guest)));
  }
}

function at(look: readonly ObservedPeer[], index: number): ObservedPeer {
  const peer = look[index];
  if (peer === undefined) throw new Error(`no machine ${index}`);
  return peer;
}

async function keyOf(guest: Guest): Promise<string> {
  return (await guest.state()).publicKey ?? '';
}

function userId(): number {
  return Number(new RegExp(`^${USER}:[^:]*:(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8'))?.[1]);
}
