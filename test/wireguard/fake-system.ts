import { readFileSync } from 'node:fs';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { PrivateKey } from '../../src/domain/keys.ts';
import type { Runner, RunOptions } from '../../src/wireguard/runner.ts';

interface FakePeer {
  allowedIps: string[];
  endpoint: string;
  handshake: number;
  rx: number;
  tx: number;
}

interface FakeLink {
  readonly index: number;
  kind: string;
  mtu: number;
  up: boolean;
  addresses: Set<string>;
  wireguard: { privateKey: PrivateKey | undefined; port: number; peers: Map<string, FakePeer> } | undefined;
}

interface FakeRoute {
  readonly type?: string;
  readonly dst: string;
  readonly dev: string;
  readonly metric: number;
}

/**
 * A model of the system behind `ip`, `wg`, `wireguard-go`, `nft`, `getent`, `cat` and `sysctl`, as far as our commands
 * reach. It holds state and answers as the real programs do; it passes the same contract suite as they.
 */
export class FakeSystem implements Runner {
  readonly links = new Map<string, FakeLink>();
  routes: FakeRoute[] = [];
  readonly tables = new Map<string, string>();
  /** As in /etc/group and /etc/passwd. */
  readonly groups = new Map<string, string>();
  passwd = 'root:x:0:0:root:/root:/bin/sh\n';
  readonly takenPorts = new Set<number>();
  #lastIndex = 1;
  kernelWireGuard = true;
  wireguardGo = true;
  ipv6Disabled = false;
  /** As after `ipv6.disable=1` on the kernel's command line. */
  withoutIpv6 = false;
  readonly commands: string[] = [];

  run(argv: readonly [string, ...string[]], _options?: RunOptions): Promise<string> {
    this.commands.push(argv.join(' '));
    return Promise.resolve().then(() => this.#dispatch(argv));
  }

  #dispatch(argv: readonly [string, ...string[]]): string {
    const [program, ...args] = argv;
    switch (program) {
      case 'ip':
        return this.#ip(
          argv,
          args.filter((arg) => arg !== '-j' && arg !== '-d' && arg !== '-6'),
        );
      case 'wg':
        return this.#wg(argv, args);
      case 'wireguard-go':
        return this.#wireguardGo(argv, args[0] ?? '');
      case 'nft':
        return this.#nft(
          argv,
          args.filter((arg) => arg !== '-s'),
        );
      case 'getent':
        return this.#getent(argv, args);
      case 'cat':
        return this.#cat(argv, args[0] ?? '');
      case 'sysctl':
        this.ipv6Disabled = (args.at(-1) ?? '').endsWith('disable_ipv6=1');
        return '';
      default:
        throw failed(argv, null, '');
    }
  }

  #cat(argv: readonly string[], path: string): string {
    if (this.withoutIpv6) throw failed(argv, 1, `cat: ${path}: No such file or directory`);
    const name = /^\/proc\/self\/net\/dev_snmp6\/(.+)$/.exec(path)?.[1];
    if (name === undefined) return this.ipv6Disabled ? '1' : '0';
    const link = this.links.get(name);
    if (link === undefined) throw failed(argv, 1, `cat: ${path}: No such file or directory`);
    return `ifIndex                         \t${link.index}\nIp6InReceives                    \t0\n`;
  }

  #ip(argv: readonly string[], args: readonly string[]): string {
    const [object, verb, ...rest] = args;
    if (object === 'link' && verb === 'add') return this.#addLink(argv, rest);
    if (object === 'route') return this.#route(argv, verb ?? '', rest);
    const name = rest[rest.indexOf('dev') + 1] ?? '';
    const link = this.links.get(name);
    if (link === undefined) throw failed(argv, 1, `Device "${name}" does not exist.`);
    switch (`${object} ${verb}`) {
      case 'link show':
        return JSON.stringify([
          {
            ifname: name,
            ifindex: link.index,
            mtu: link.mtu,
            flags: link.up ? ['UP'] : [],
            linkinfo: { info_kind: link.kind },
          },
        ]);
      case 'link del':
        this.links.delete(name);
        this.routes = this.routes.filter((route) => route.dev !== name);
        return '';
      case 'link set':
        if (rest.includes('mtu')) link.mtu = Number(rest.at(-1));
        if (rest.at(-1) === 'up') this.#up(argv, link);
        if (rest.at(-1) === 'down') {
          link.up = false;
          link.addresses.clear();
          this.routes = this.routes.filter((route) => route.dev !== name);
        }
        return '';
      case 'addr show':
        return JSON.stringify([
          {
            addr_info: [...link.addresses].map((cidr) => ({
              local: cidr.split('/')[0],
              prefixlen: Number(cidr.split('/')[1]),
            })),
          },
        ]);
      case 'addr replace':
        if (this.ipv6Disabled) throw failed(argv, 2, 'RTNETLINK answers: Permission denied');
        link.addresses.add(rest[0] ?? '');
        return '';
      case 'addr del':
        link.addresses.delete(rest[0] ?? '');
        return '';
      default:
        throw failed(argv, 255, 'unknown to the model');
    }
  }

  #addLink(argv: readonly string[], rest: readonly string[]): string {
    const name = rest[1] ?? '';
    const kind = rest[3] ?? '';
    if (kind === 'wireguard' && !this.kernelWireGuard) throw failed(argv, 2, 'Error: Unknown device type.');
    if (this.links.has(name)) throw failed(argv, 2, 'RTNETLINK answers: File exists');
    this.#newLink(name, kind, kind === 'wireguard');
    return '';
  }

  #newLink(name: string, kind: string, isWireGuard: boolean): void {
    const wireguard = isWireGuard ? { privateKey: undefined, port: 0, peers: new Map<string, FakePeer>() } : undefined;
    this.#lastIndex += 1;
    this.links.set(name, { index: this.#lastIndex, kind, mtu: 1420, up: false, addresses: new Set(), wireguard });
  }

  #up(argv: readonly string[], link: FakeLink): void {
    if (link.wireguard !== undefined && this.takenPorts.has(link.wireguard.port)) {
      throw failed(argv, 2, 'RTNETLINK answers: Address already in use');
    }
    link.up = true;
    if (link.wireguard?.port === 0) link.wireguard.port = 40_000 + this.links.size;
  }

  #route(argv: readonly string[], verb: string, rest: readonly string[]): string {
    const type = rest[0] === 'unreachable' ? { type: 'unreachable' } : {};
    const words = rest.filter((word) => word !== 'unreachable' && word !== 'exact');
    const dst = words[0] ?? '';
    if (verb === 'show') return JSON.stringify(this.routes.filter((route) => route.dst === dst));
    if (this.withoutIpv6) throw failed(argv, 2, 'RTNETLINK answers: Operation not supported');
    const dev = 'type' in type ? 'lo' : (words[words.indexOf('dev') + 1] ?? '');
    const metric = words.includes('metric') ? Number(words[words.indexOf('metric') + 1]) : 1024;
    const others = this.routes.filter(
      (route) => route.dst !== dst || route.type !== ('type' in type ? 'unreachable' : undefined),
    );
    if (verb === 'del') {
      if (others.length === this.routes.length) throw failed(argv, 2, 'RTNETLINK answers: No such process');
      this.routes = others;
    } else {
      if (dev !== 'lo' && this.links.get(dev)?.up !== true) throw failed(argv, 2, 'RTNETLINK answers: Network is down');
      this.routes = [...others, { ...type, dst, dev, metric }];
    }
    return '';
  }

  #wg(argv: readonly string[], [verb, name = '', ...rest]: readonly string[]): string {
    const device = this.links.get(name)?.wireguard;
    if (device === undefined) {
      throw failed(argv, 1, `Unable to ${verb === 'show' ? 'access' : 'modify'} interface: No such device`);
    }
    if (verb === 'show') {
      const own = device.privateKey;
      const lines = [`${own?.reveal() ?? '(none)'}\t${own?.publicKey ?? '(none)'}\t${device.port}\toff`];
      for (const [key, peer] of device.peers) {
        const ips = peer.allowedIps.join(',') || '(none)';
        lines.push(`${key}\t(none)\t${peer.endpoint}\t${ips}\t${peer.handshake}\t${peer.rx}\t${peer.tx}\toff`);
      }
      return lines.join('\n');
    }
    let peer = '';
    for (let index = 0; index < rest.length; index += 1) {
      const word = rest[index];
      const value = rest[index + 1] ?? '';
      if (word === 'remove') {
        device.peers.delete(peer);
        continue;
      }
      index += 1;
      if (word === 'private-key') device.privateKey = PrivateKey.parse(readFileSync(value, 'utf8'));
      else if (word === 'listen-port') this.#setPort(argv, device, Number(value));
      else if (word === 'peer') {
        peer = value;
        if (rest[index + 1] !== 'remove' && !device.peers.has(peer)) {
          device.peers.set(peer, { allowedIps: [], endpoint: '(none)', handshake: 0, rx: 0, tx: 0 });
        }
      } else if (word === 'allowed-ips') {
        const ips = value.split(',').filter((ip) => ip !== '');
        for (const other of device.peers.values()) {
          other.allowedIps = other.allowedIps.filter((ip) => !ips.includes(ip));
        }
        const target = device.peers.get(peer);
        if (target !== undefined) target.allowedIps = ips;
      } else if (word === 'endpoint') {
        if (!/^[\d.:[\]a-f]+:\d+$/.test(value)) throw failed(argv, 1, `Unable to parse endpoint: \`${value}'`);
        const target = device.peers.get(peer);
        if (target !== undefined) target.endpoint = value;
      } else throw failed(argv, 1, `Invalid argument: ${word}`);
    }
    return '';
  }

  #setPort(argv: readonly string[], device: { port: number }, port: number): void {
    device.port = port === 0 ? 40_000 : port;
    if (this.takenPorts.has(port)) throw failed(argv, 1, 'Unable to modify interface: Address already in use');
  }

  #wireguardGo(argv: readonly string[], name: string): string {
    if (!this.wireguardGo) throw failed(argv, null, '');
    if (this.links.has(name)) throw failed(argv, 1, 'failed to create TUN device: device or resource busy');
    this.#newLink(name, 'tun', true);
    return '';
  }

  #nft(argv: readonly string[], args: readonly string[]): string {
    const [verb, , , name = ''] = args;
    if (args.length === 1) {
      const table = /table inet (\S+) \{\n/.exec(args[0] ?? '')?.[1] ?? '';
      this.tables.set(table, args[0] ?? '');
      return '';
    }
    const table = this.tables.get(name);
    if (table === undefined) throw failed(argv, 1, 'Error: No such file or directory');
    if (verb === 'delete') this.tables.delete(name);
    if (verb === 'flush') this.tables.set(name, `table inet ${name} {}`);
    return table;
  }

  #getent(argv: readonly string[], [database, ...names]: readonly string[]): string {
    const name = names.at(-1);
    if (database === 'passwd' && name === undefined) return this.passwd;
    const accounts = this.passwd.split('\n').filter((each) => each.startsWith(`${name}:`));
    const line = database === 'passwd' ? accounts[0] : this.groups.get(name ?? '');
    if (line === undefined) throw failed(argv, 2, '');
    return line;
  }
}

function failed(argv: readonly string[], exitCode: number | null, stderr: string): SiderolinkError {
  return new SiderolinkError('command_failed', `${argv[0]}: ${stderr}`, { argv: argv.join(' '), exitCode, stderr });
}
