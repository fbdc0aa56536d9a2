import { SiderolinkError } from '../domain/errors.ts';
import type { SystemCommand } from './system-command.ts';

/** Inside of the namespace the way to the world has this name. */
export const WORLD_INTERFACE = 'eth0';

/** 198.18.0.0/15 (RFC 2544, for benchmarks) holds so many links of four addresses. */
const SUBNETS = 32_768;

const NAME = /^slsim-(\d+)-(\d+)$/;

export interface MachineNamespaceOptions {
  /** Number of the machine in this process; namespace and interfaces are named after process and number. */
  readonly index: number;
  /** The network namespace in which the other end of the machine's cable is; undefined: the one we are in. */
  readonly gateway?: string;
  /** The process that owns it; the default is this one. */
  readonly pid?: number;
}

/** A network namespace with a cable to us and a default route over it. `linkInterface` is for the machine to make. */
export class MachineNamespace {
  readonly name: string;
  readonly linkInterface: string;
  readonly #cable: string;
  readonly #gateway: readonly string[];
  readonly #gatewayName: string | undefined;
  readonly #run: SystemCommand;
  readonly #preferred: number;

  constructor({ index, gateway, pid = process.pid }: MachineNamespaceOptions, run: SystemCommand) {
    const short = `${pid.toString(36)}n${index.toString(36)}`;
    this.name = `slsim-${pid}-${index}`;
    this.linkInterface = `slw${short}`;
    this.#cable = `slv${short}`;
    this.#gateway = gateway === undefined ? [] : ['-n', gateway];
    this.#gatewayName = gateway;
    this.#run = run;
    this.#preferred = (pid * 64 + index) % SUBNETS;
  }

  /** @throws SiderolinkError `command_failed`; what was made is taken back before. */
  async create(): Promise<void> {
    try {
      await this.#run('ip', 'netns', 'add', this.name);
      const here = this.#gatewayName === undefined ? [] : ['netns', this.#gatewayName];
      const peer = ['peer', 'name', WORLD_INTERFACE, 'netns', this.name];
      await this.#run('ip', 'link', 'add', this.#cable, ...here, 'type', 'veth', ...peer);
      await this.#address(await this.#freeSubnet());
    } catch (error) {
      await this.destroy();
      throw error;
    }
  }

  /** Takes it all away: links first, as a deleted namespace would go on while wireguard-go holds it. Idempotent. */
  async destroy(): Promise<void> {
    if (!(await listNamespaces(this.#run)).includes(this.name)) return;
    const links = await this.#run('ip', '-n', this.name, '-o', 'link', 'show');
    for (const [, link] of links.matchAll(/^\d+: ([^:@]+)[:@]/gm)) {
      if (link?.startsWith('slw')) await this.#run('ip', '-n', this.name, 'link', 'del', link);
    }
    const hasCable = links.includes(` ${WORLD_INTERFACE}@`);
    if (hasCable) await this.#run('ip', '-n', this.name, 'link', 'del', WORLD_INTERFACE);
    await this.#run('ip', 'netns', 'del', this.name);
  }

  async #address(subnet: number): Promise<void> {
    const [ours, theirs] = v4Pair(subnet);
    const [ours6, theirs6] = v6Pair(subnet);
    const inside = ['-n', this.name];
    await this.#run('ip', ...this.#gateway, 'addr', 'add', `${ours}/30`, 'dev', this.#cable);
    await this.#run('ip', ...this.#gateway, 'addr', 'add', `${ours6}/64`, 'dev', this.#cable, 'nodad');
    await this.#run('ip', ...this.#gateway, 'link', 'set', this.#cable, 'up');
    await this.#run('ip', ...inside, 'addr', 'add', `${theirs}/30`, 'dev', WORLD_INTERFACE);
    await this.#run('ip', ...inside, 'addr', 'add', `${theirs6}/64`, 'dev', WORLD_INTERFACE, 'nodad');
    for (const link of ['lo', WORLD_INTERFACE]) await this.#run('ip', ...inside, 'link', 'set', link, 'up');
    await this.#run('ip', ...inside, 'route', 'add', 'default', 'via', ours);
    await this.#run('ip', ...inside, '-6', 'route', 'add', 'default', 'via', ours6);
  }

  /** A link subnet that nobody on our side uses; where we begin to look depends on the process and the machine. */
  async #freeSubnet(): Promise<number> {
    const used = await this.#run('ip', ...this.#gateway, '-o', '-4', 'addr', 'show');
    for (let step = 0; step < SUBNETS; step++) {
      const subnet = (this.#preferred + step) % SUBNETS;
      if (!used.includes(` ${v4Pair(subnet)[0]}/`)) return subnet;
    }
    throw new SiderolinkError('exhausted', 'no free subnet in 198.18.0.0/15 for another machine');
  }
}

/** Removes the namespaces of processes that are gone. */
export async function removeLeftovers(run: SystemCommand): Promise<number> {
  let removed = 0;
  for (const name of await listNamespaces(run)) {
    const [, pid, index] = NAME.exec(name) ?? [];
    if (pid === undefined || index === undefined || isAlive(Number(pid))) continue;
    await new MachineNamespace({ index: Number(index), pid: Number(pid) }, run).destroy();
    removed += 1;
  }
  return removed;
}

async function listNamespaces(run: SystemCommand): Promise<string[]> {
  return (await run('ip', 'netns', 'list')).split('\n').map((line) => line.split(' ', 1)[0] ?? '');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is alive too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function v4Pair(subnet: number): [string, string] {
  const base = subnet * 4;
  const net = `198.${18 + (base >> 16)}.${(base >> 8) & 255}`;
  return [`${net}.${(base & 255) + 1}`, `${net}.${(base & 255) + 2}`];
}

/** Unique local addresses that are not of the overlay kind: byte 7 is `ff`. */
function v6Pair(subnet: number): [string, string] {
  const prefix = `fd53:6c73:${subnet.toString(16)}:ff`;
  return [`${prefix}::1`, `${prefix}::2`];
}
