import type { Machine } from '../client/api.ts';
import type { ControlClient } from '../client/client.ts';
import { type ErrorCode, errorCode, SiderolinkError } from '../domain/errors.ts';
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

/** What passes by itself. */
const TRANSIENT: readonly ErrorCode[] = ['unavailable', 'exhausted', 'storage'];

/** The machines whose records a command shows. */
export class Selection {
  readonly #client: ControlClient;
  readonly #machines: Map<string, Machine>;
  readonly #selector: Selector | undefined;
  readonly #owner: string | undefined;
  /** Machines that were to be looked at while the daemon did not answer. */
  readonly #unsure = new Set<string>();
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
    const isTold = stream === 'machine' && CHANGES.includes(detail[0] ?? '');
    if (!this.isOpen || (!isTold && !this.#unsure.has(uuid))) return false;
    const machine = await this.#look(uuid);
    if (machine === 'unknown') return false;
    const passes = machine !== undefined && this.#passes(machine);
    if (passes === this.#machines.has(uuid)) return false;
    if (passes) this.#machines.set(uuid, machine);
    else this.#machines.delete(uuid);
    return true;
  }

  /** The stream outlives a daemon that is gone for a while; the question is then asked again with the next record. */
  async #look(uuid: string): Promise<Machine | undefined | 'unknown'> {
    try {
      const machine = await this.#client.machine(uuid);
      this.#unsure.delete(uuid);
      return machine;
    } catch (error) {
      const code = errorCode(error);
      if (code !== 'not_found' && !TRANSIENT.includes(code)) throw error;
      if (code !== 'not_found') this.#unsure.add(uuid);
      return code === 'not_found' ? undefined : 'unknown';
    }
  }

  #passes({ owner, labels }: Machine): boolean {
    if (this.#owner !== undefined && this.#owner !== (owner ?? '_')) return false;
    return this.#selector === undefined || matches(this.#selector, labels);
  }
}
