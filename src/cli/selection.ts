import type { Machine } from '../client/api.ts';
import type { ControlClient } from '../client/client.ts';
import { errorCode, SiderolinkError } from '../domain/errors.ts';
import { matches, parseSelector, type Selector } from '../domain/selector.ts';
import { resolveMachines } from './resolve.ts';
import type { Subject } from './summary.ts';

/** Machines chosen by what they are instead of by name. */
export interface Choice {
  readonly selector?: string;
  readonly owner?: string;
  readonly all?: boolean;
}

/** What a machine is told by that may come to be one of those chosen, or stop to be. */
const CHANGES = ['discovered', 'registered', 'accepted', 'claimed', 'released', 'labeled', 'readmitted'];

/** The machines whose records a command shows. */
export class Selection {
  readonly #client: ControlClient;
  readonly #machines: Map<string, Machine>;
  readonly #selector: Selector | undefined;
  readonly #owner: string | undefined;
  /** Whether they were chosen by what they are, so that others may become of them. */
  readonly isOpen: boolean;

  private constructor(client: ControlClient, machines: readonly Machine[], choice: Choice | undefined) {
    this.#client = client;
    this.#machines = new Map(machines.map((machine) => [machine.server_uuid, machine]));
    this.isOpen = choice !== undefined;
    this.#selector = choice?.selector === undefined ? undefined : parseSelector(choice.selector);
    this.#owner = choice?.owner;
  }

  /** @throws SiderolinkError `invalid_argument` for none or both of names and choice, `not_found` */
  static async make(client: ControlClient, names: readonly string[], choice: Choice): Promise<Selection> {
    const { selector, owner, all } = choice;
    const isChosen = selector !== undefined || owner !== undefined || all === true;
    if (isChosen === names.length > 0) {
      throw new SiderolinkError(
        'invalid_argument',
        isChosen
          ? 'name machines, or choose them with --selector, --owner or --all: not both'
          : 'name a machine, or choose several with --selector, --owner or --all',
      );
    }
    if (!isChosen) return new Selection(client, await resolveMachines(client, names), undefined);
    const machines: Machine[] = [];
    for await (const machine of client.machines({ selector, owner })) machines.push(machine);
    return new Selection(client, machines, choice);
  }

  get machines(): readonly Machine[] {
    return [...this.#machines.values()];
  }

  has(uuid: string): boolean {
    return this.#machines.has(uuid);
  }

  /** Looks again at the machine of a record that may change who is chosen. Whether it did. */
  async heed({ uuid, stream, detail }: Subject): Promise<boolean> {
    if (!this.isOpen || stream !== 'machine' || !CHANGES.includes(detail[0] ?? '')) return false;
    const machine = await this.#look(uuid);
    const passes = machine !== undefined && this.#passes(machine);
    if (passes === this.#machines.has(uuid)) return false;
    if (passes) this.#machines.set(uuid, machine);
    else this.#machines.delete(uuid);
    return true;
  }

  async #look(uuid: string): Promise<Machine | undefined> {
    try {
      return await this.#client.machine(uuid);
    } catch (error) {
      if (errorCode(error) === 'not_found') return undefined;
      throw error;
    }
  }

  #passes({ owner, labels }: Machine): boolean {
    if (this.#owner !== undefined && this.#owner !== (owner ?? '_')) return false;
    return this.#selector === undefined || matches(this.#selector, labels);
  }
}
