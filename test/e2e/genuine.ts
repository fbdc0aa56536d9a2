import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Namespace } from '../helpers/netns.ts';
import type { Gateway } from './gateway.ts';

/** test/interop: the public Go modules of Talos, with a command line of ours. */
const CLIENT = fileURLToPath(new URL('../interop/bin/interop', import.meta.url));

/** The only tests that may be skipped, and only where there is no Go to build the client with; with CI=true they must run. */
export const withoutGo = process.env['SIDEROLINK_INTEROP'] === 'no' && process.env['CI'] === undefined;

/** The client's program. @throws Error where it was not built */
export function genuineClient(): string {
  if (!existsSync(CLIENT)) throw new Error('build it first: (cd test/interop && go build -o bin/interop .)');
  return CLIENT;
}

/** What the client tells of each step; each has fields of its own. */
export type Step = { readonly step: string } & Readonly<Record<string, unknown>>;

const stateShape = z.object({
  backend: z.string(),
  public_key: z.string(),
  endpoint: z.string(),
  /** Of the latest one. */
  handshake: z.string(),
});

export type GenuineState = z.infer<typeof stateShape>;

export interface GenuineOptions {
  readonly uuid?: string;
  /** Whether its kernel arguments ask for WireGuard over gRPC. */
  readonly asksForTunnel?: boolean;
  /** A firewall on its way lets no UDP through. */
  readonly tcpOnly?: boolean;
}

let machines = 0;

/** A machine made of the genuine Go modules, on a cable of its own. */
export class GenuineMachine {
  readonly uuid: string;
  /** What it has told since it was switched on, oldest first. */
  readonly steps: Step[] = [];
  readonly #gateway: Gateway;
  readonly #namespace: Namespace;
  readonly #arguments: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(gateway: Gateway, namespace: Namespace, uuid: string, args: readonly string[]) {
    this.#gateway = gateway;
    this.#namespace = namespace;
    this.uuid = uuid;
    this.#arguments = args;
  }

  /** Powered off. */
  static async create(
    gateway: Gateway,
    { uuid = randomUUID(), asksForTunnel = false, tcpOnly = false }: GenuineOptions = {},
  ): Promise<GenuineMachine> {
    machines += 1;
    const [here, there] = [`10.7.${machines}.1`, `10.7.${machines}.2`];
    const namespace = await gateway.network.namespace(`go${machines}`);
    const [, cable] = await gateway.network.connect(gateway.namespace, `${here}/24`, namespace, `${there}/24`);
    await namespace.run(['ip', 'route', 'add', 'default', 'via', here]);
    if (tcpOnly) await blockUdp(namespace, cable);
    await gateway.kernelArguments();
    const { args } = await gateway.client.kernelArgs({ token: gateway.token, tunnel: asksForTunnel });
    const api = args.find((argument) => argument.startsWith('siderolink.api='))?.replace('siderolink.api=', '') ?? '';
    const common = ['--api', api, '--uuid', uuid, '--interface', gateway.network.interfaceName()];
    return new GenuineMachine(gateway, namespace, uuid, common);
  }

  /** Lives so many boots, each to its end, with events and lines. */
  async boots(options: readonly string[]): Promise<void> {
    const child = this.#spawn(['join', ...this.#arguments, ...options]);
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`the client ended with ${code}: ${JSON.stringify(this.steps.at(-1))}`);
  }

  /** Boots it to live on; resolves with the first handshake. */
  async on(): Promise<void> {
    this.#process = this.#spawn(['live', ...this.#arguments]);
    await this.heard('handshake');
  }

  /** Calls Provision again, with the key that it has; resolves when its link is as it was told. */
  async provision(backend: 'tunnel' | 'UDP'): Promise<void> {
    const links = this.told('link').length;
    this.#tell('provision');
    await this.heard('link', links + 1);
    await this.heard('handshake', links + 1);
    const isTunnel = this.told('link').at(-1)?.['backend'] === 'tunnel';
    if (isTunnel !== (backend === 'tunnel')) throw new Error(`its link became ${JSON.stringify(this.steps)}`);
  }

  /** A line of its kernel log; one that cannot be sent now is tried again, as Talos does. */
  log(text: string): void {
    this.#tell(`log ${text}`);
  }

  /** An event; resolves when it was acknowledged. */
  async event(text: string): Promise<void> {
    const acknowledged = this.told('event').length;
    this.#tell(`event ${text}`);
    await this.heard('event', acknowledged + 1);
  }

  /** One more genuine relay: for its own virtual address, or for another `[address]:port`. */
  addRelay(endpoint = ''): void {
    this.#tell(endpoint === '' ? 'relay' : `relay ${endpoint}`);
  }

  /** From now on it answers on this TCP port with what it is sent. Resolves when it listens. */
  async echo(port: number): Promise<void> {
    const source = `require('node:net').createServer((c) => c.pipe(c)).listen(${port}, '::', () => console.log('listens'))`;
    const server = this.#namespace.spawn([process.execPath, '-e', source]);
    if (server.stdout === null) throw new Error('it has no output');
    await once(server.stdout, 'data');
  }

  /** What its own WireGuard shows. */
  async state(): Promise<GenuineState> {
    const asked = this.told('state').length;
    this.#tell('state');
    return stateShape.parse(await this.heard('state', asked + 1));
  }

  /** What it has told of this kind. */
  told(step: string): readonly Step[] {
    return this.steps.filter((told) => told.step === step);
  }

  /** Resolves with the step of this kind with this number, from 1. */
  async heard(step: string, times = 1): Promise<Step> {
    await this.#gateway.until(`"${step}" of the genuine client, ${times} times`, () => {
      const failed = this.told('failed').at(-1);
      return failed !== undefined || this.told(step).length >= times;
    });
    const heard = this.told(step)[times - 1];
    if (heard === undefined) throw new Error(`the client told: ${JSON.stringify(this.steps)}`);
    return heard;
  }

  #spawn(args: readonly string[]): ChildProcess {
    const child = this.#namespace.spawn([genuineClient(), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('it has no output');
    createInterface({ input: child.stdout }).on('line', (line) => this.steps.push(JSON.parse(line) as Step));
    return child;
  }

  #tell(command: string): void {
    this.#process?.stdin?.write(`${command}\n`);
  }
}

async function blockUdp(namespace: Namespace, cable: string): Promise<void> {
  const chain = ['{', 'type', 'filter', 'hook', 'output', 'priority', '0', ';', '}'] as const;
  await namespace.run(['nft', 'add', 'table', 'inet', 'blocked']);
  await namespace.run(['nft', 'add', 'chain', 'inet', 'blocked', 'out', ...chain]);
  await namespace.run([
    'nft',
    'add',
    'rule',
    'inet',
    'blocked',
    'out',
    'oifname',
    cable,
    'meta',
    'l4proto',
    'udp',
    'drop',
  ]);
}
