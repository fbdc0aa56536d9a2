import type { MachineNotice, MachineState, RebootOptions } from '../../src/simulate/machine.ts';
import type { NamespacedMachine, NamespacedMachineOptions } from '../../src/simulate/namespaced-machine.ts';
import { systemCommand } from '../../src/simulate/system-command.ts';
import type { Gateway } from './gateway.ts';

type Options = Partial<Omit<NamespacedMachineOptions, 'index' | 'gateway'>>;
type Notice<Kind extends MachineNotice['kind']> = Extract<MachineNotice, { kind: Kind }>;

/** A simulated machine on a walk: what it does, and what it hears in return. */
export class Guest {
  readonly machine: NamespacedMachine;
  /** What it has in its firmware; META may override it. */
  readonly uuid: string;
  readonly #gateway: Gateway;
  readonly #notices: MachineNotice[];

  private constructor(gateway: Gateway, machine: NamespacedMachine, uuid: string, notices: MachineNotice[]) {
    this.#gateway = gateway;
    this.machine = machine;
    this.uuid = uuid;
    this.#notices = notices;
  }

  /** Powered off. */
  static async create(gateway: Gateway, options: Options = {}): Promise<Guest> {
    const notices: MachineNotice[] = [];
    const machine = await gateway.machine({ quiet: true, ...options }, { onNotice: (notice) => notices.push(notice) });
    return new Guest(gateway, machine, (await machine.state()).uuid, notices);
  }

  /** Powers it on; gives its overlay address once the link works. */
  async on(): Promise<string> {
    await this.machine.start();
    return await this.linked();
  }

  /** Powers it off as a cut cable does: nobody is told. */
  off(): Promise<void> {
    return this.machine.stop({ abrupt: true });
  }

  /** Gives its overlay address once the new boot's link works. */
  async reboot(options: RebootOptions = {}): Promise<string> {
    await this.machine.reboot(options);
    return await this.linked();
  }

  /** Its overlay address, once there was a handshake with this boot's key. */
  async linked(withinMs?: number): Promise<string> {
    let address = '';
    await this.#gateway.until(
      `the link of ${this.uuid}`,
      async () => {
        const state = await this.machine.state();
        address = state.address ?? '';
        if (address === '') return false;
        return ((await this.#gateway.peers()).get(state.publicKey ?? '')?.latestHandshake ?? 0) > 0;
      },
      withinMs,
    );
    return address;
  }

  /** What it was told when it was refused in this boot. */
  async refused(times = 1): Promise<string> {
    const { boot } = await this.machine.state();
    let errors: readonly string[] = [];
    await this.#gateway.until(`${this.uuid} is refused ${times} times`, () => {
      errors = this.notices('provision_failed', boot).map(({ error }) => error);
      return errors.length >= times;
    });
    return errors.at(-1) ?? '';
  }

  /** What it has noticed, of this kind, in this boot or in all. */
  notices<Kind extends MachineNotice['kind']>(kind: Kind, boot?: number): readonly Notice<Kind>[] {
    return this.#notices.filter(
      (notice): notice is Notice<Kind> => notice.kind === kind && (boot === undefined || notice.boot === boot),
    );
  }

  /** Resolves when our token writer has written these keys of META. */
  async written(...keys: readonly number[]): Promise<void> {
    await this.#gateway.until(`META of ${this.uuid} is written`, async () => {
      const meta = await this.machine.meta();
      return keys.every((key) => meta.has(key));
    });
  }

  /** Runs a command in its network namespace and gives what it prints. */
  inside(...command: readonly string[]): Promise<string> {
    return systemCommand('ip', 'netns', 'exec', this.machine.namespace.name, ...command);
  }

  /** From now on a firewall of its own drops what comes for its Talos API, unseen by the machine. */
  async closeApi(): Promise<void> {
    const chain = ['{', 'type', 'filter', 'hook', 'input', 'priority', '0', ';', '}'];
    const nft = (...args: string[]) =>
      systemCommand('ip', 'netns', 'exec', this.machine.namespace.name, 'nft', ...args);
    await nft('add', 'table', 'inet', 'closed');
    await nft('add', 'chain', 'inet', 'closed', 'in', ...chain);
    await nft('add', 'rule', 'inet', 'closed', 'in', 'tcp', 'dport', '50000', 'drop');
  }

  state(): Promise<MachineState> {
    return this.machine.state();
  }
}
