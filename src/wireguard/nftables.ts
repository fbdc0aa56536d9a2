import type { Health } from '../telemetry/health.ts';
import { groupMembers } from './accounts.ts';
import { stderrOf } from './command-failure.ts';
import { type IsolationOptions, isolationRules, tableName } from './isolation.ts';
import type { Runner } from './runner.ts';

export interface IsolationTableOptions extends IsolationOptions {
  /** Members may send into the overlay; empty for nobody but root and us. */
  readonly allowGroup: string;
  /** Our own user. */
  readonly uid: number;
}

/** Name of the health condition that tells of a missing `overlay.allow_group`. */
const GROUP_CONDITION = 'overlay_allow_group';

/** Keeps the isolation table in the kernel as it should be. */
export class IsolationTable {
  readonly #options: IsolationTableOptions;
  readonly #runner: Runner;
  readonly #health: Health;
  readonly #name: string;
  /** The rules that we loaded last, and how the kernel lists them: two texts of one table. */
  #loaded: { readonly rules: string; readonly listing: string } | undefined;

  constructor(options: IsolationTableOptions, deps: { readonly runner: Runner; readonly health: Health }) {
    this.#options = options;
    this.#runner = deps.runner;
    this.#health = deps.health;
    this.#name = tableName(options.interface);
  }

  /**
   * Loads the table if it is missing or not what we loaded, and tells whether it did. The first call of a process always
   * loads it: that is one transaction which cuts no connection, and it needs no trust in what a former version left.
   *
   * @throws SiderolinkError `command_failed`
   */
  async repair(): Promise<boolean> {
    const rules = isolationRules(this.#options, await this.#uids());
    if (this.#loaded?.rules === rules && (await this.#list()) === this.#loaded.listing) return false;
    this.#loaded = undefined;
    // As an argument: nft opens /dev/stdin by its name, which fails for the sockets that Node gives as pipes.
    await this.#runner.run(['nft', rules]);
    this.#loaded = { rules, listing: (await this.#list()) ?? '' };
    return true;
  }

  async remove(): Promise<void> {
    this.#loaded = undefined;
    if ((await this.#list()) === undefined) return;
    await this.#runner.run(['nft', 'delete', 'table', 'inet', this.#name]);
  }

  /** Without counters' values (`-s`), so that two listings of an untouched table are equal. */
  async #list(): Promise<string | undefined> {
    try {
      return await this.#runner.run(['nft', '-s', 'list', 'table', 'inet', this.#name]);
    } catch (error) {
      if (stderrOf(error).includes('No such file or directory')) return undefined;
      throw error;
    }
  }

  async #uids(): Promise<readonly number[]> {
    const { allowGroup, uid } = this.#options;
    const own = [0, uid];
    if (allowGroup === '') return own;
    const members = await groupMembers(this.#runner, allowGroup);
    if (members === undefined) {
      this.#health.set(
        GROUP_CONDITION,
        'warning',
        `overlay.allow_group: there is no group "${allowGroup}", so of the local users only root and the daemon reach machines`,
      );
      return own;
    }
    this.#health.set(GROUP_CONDITION, 'ok');
    return [...own, ...members];
  }
}
