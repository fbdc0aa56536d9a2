/**
 * Network namespaces for tests: real interfaces, routes and firewalls that harm nobody. Needs root.
 *
 *     const net = new TestNetwork('join');                  // names start with it and hold this process's id
 *     const gateway = await net.namespace('gw');
 *     const machine = await net.namespace('m1');
 *     await net.connect(gateway, '10.0.0.1/24', machine, '10.0.0.2/24');       // a veth pair, both ends up
 *     await gateway.run(['ip', 'addr']);                    // stdout; throws with stderr
 *     const daemon = machine.spawn(['node', 'x.ts']);       // a child that is killed by dispose()
 *     new WireGuardDevice({…}, { runner: gateway.runner });
 *     await net.dispose();                                  // in afterAll: processes, links, namespaces
 *
 * wireguard-go's sockets in /run/wireguard are shared by all namespaces of the host, so each of its interfaces needs a
 * name of its own: `net.interfaceName()`. Deleting a namespace does not end a wireguard-go in it; dispose() therefore
 * deletes the links first.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { CommandRunner, type Runner, type RunOptions } from '../../src/wireguard/runner.ts';

const host = new CommandRunner({ timeoutMs: 120_000 });
let networks = 0;

export class Namespace {
  /** As `ip netns` knows it. */
  readonly name: string;
  /** Put before a command to run it in here. */
  readonly prefix: readonly [string, ...string[]];
  /** Runs commands in here. */
  readonly runner: Runner;
  readonly #children = new Set<ChildProcess>();

  constructor(name: string) {
    this.name = name;
    this.prefix = ['ip', 'netns', 'exec', name];
    this.runner = prefixed(host, this.prefix);
  }

  run(argv: readonly [string, ...string[]], options?: RunOptions): Promise<string> {
    return this.runner.run(argv, options);
  }

  /** Starts a process in here; it is killed when the network is disposed of. */
  spawn(argv: readonly [string, ...string[]], options: SpawnOptions = {}): ChildProcess {
    const [file, ...args] = [...this.prefix, ...argv] as [string, ...string[]];
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Runs a JavaScript module text with this test's Node in here and gives its standard output. Throws what it throws. */
  script(source: string, ...args: string[]): Promise<string> {
    return this.run([process.execPath, '--input-type=module', '-e', source, ...args]);
  }

  async dispose(): Promise<void> {
    for (const child of this.#children) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    const links = JSON.parse(await this.run(['ip', '-j', 'link', 'show'])) as { ifname: string }[];
    for (const { ifname } of links) {
      // The other end of a pair goes with the first; the built-in ones (sit0, …) cannot go.
      if (ifname !== 'lo') await this.run(['ip', 'link', 'del', 'dev', ifname]).catch(() => '');
    }
    await host.run(['ip', 'netns', 'del', this.name]);
  }
}

export class TestNetwork {
  readonly #label: string;
  readonly #short: string;
  readonly #namespaces: Namespace[] = [];
  #links = 0;

  /** `label`: a few letters that say whose network this is. */
  constructor(label: string) {
    networks += 1;
    this.#short = `${process.pid.toString(36)}${networks.toString(36)}`;
    this.#label = `${label}-${this.#short}`;
  }

  async namespace(name: string): Promise<Namespace> {
    const full = `${this.#label}-${name}`;
    await host.run(['ip', 'netns', 'add', full]);
    const namespace = new Namespace(full);
    this.#namespaces.push(namespace);
    await namespace.run(['ip', 'link', 'set', 'dev', 'lo', 'up']);
    return namespace;
  }

  /** An interface name that no other namespace of this host uses. */
  interfaceName(): string {
    this.#links += 1;
    return `w${this.#short}${this.#links.toString(36)}`.slice(0, 15);
  }

  /** Joins two namespaces by a pair of interfaces; addresses in CIDR, IPv4 or IPv6. Gives both names. */
  async connect(
    a: Namespace,
    addressA: string,
    b: Namespace,
    addressB: string,
  ): Promise<readonly [nameA: string, nameB: string]> {
    const [nameA, nameB] = [`${this.interfaceName()}a`, `${this.interfaceName()}b`];
    await host.run([
      ...['ip', 'link', 'add', nameA, 'netns', a.name, 'type', 'veth', 'peer', 'name', nameB, 'netns', b.name],
    ] as [string, ...string[]]);
    for (const [namespace, name, address] of [
      [a, nameA, addressA],
      [b, nameB, addressB],
    ] as const) {
      const noDad = address.includes(':') ? ['nodad'] : [];
      await namespace.run(['ip', 'addr', 'add', address, 'dev', name, ...noDad]);
      await namespace.run(['ip', 'link', 'set', 'dev', name, 'up']);
    }
    return [nameA, nameB];
  }

  /** Ends everything that was started in here. */
  async dispose(): Promise<void> {
    for (const namespace of this.#namespaces.splice(0)) await namespace.dispose();
  }
}

/** A runner whose commands get a prefix, e.g. that of a namespace. */
function prefixed(runner: Runner, prefix: readonly [string, ...string[]]): Runner {
  return { run: (argv, options) => runner.run([...prefix, ...argv], options) };
}
