import { EventIds, MAX_EVENT_IDS } from '../domain/event-ids.ts';
import type { BootLog } from '../fleet/boot-log.ts';
import type { RecordLog } from '../stream/types.ts';

/** The event ids of one boot. */
interface BootEvents {
  readonly ids: EventIds;
  /** Those whose commit runs: a second call with the same id waits for the first. */
  readonly running: Map<string, Promise<void>>;
  /** Reads the ids from before our start; undefined when done, or if there were none. */
  loading: Promise<void> | undefined;
}

/** Records asked for at once when the ids of a boot are read back. */
const PAGE = 512;

/**
 * Which events of a boot were stored: Talos sends an event again when it saw no answer, under the same id
 * (facts/talos-client.md section 4.2).
 */
export class SeenEvents {
  readonly #filter: string;
  readonly #log: Pick<RecordLog, 'read'>;
  readonly #boots = new WeakMap<BootLog, BootEvents>();

  /** @param options `prefix`: what all subjects begin with */
  constructor(options: { readonly prefix: string }, deps: { readonly log: Pick<RecordLog, 'read'> }) {
    this.#filter = `${options.prefix}.*.*.event.>`;
    this.#log = deps.log;
  }

  /**
   * Runs `store` unless an event of this boot with this id was stored before, or is being stored; then it waits for
   * that. An event without an id is always stored. Resolves to whether `store` ran.
   * @throws what `store` throws, and what reading the record log throws
   */
  async once(boot: BootLog, id: string, store: () => Promise<void>): Promise<boolean> {
    if (id === '') {
      await store();
      return true;
    }
    const events = this.#of(boot);
    // The first call after a restart reads; later ones wait for it in their order.
    if (events.loading !== undefined) await events.loading;
    const running = events.running.get(id);
    if (running !== undefined) {
      await running;
      return false;
    }
    if (events.ids.has(id)) return false;
    const storing = store();
    events.running.set(id, storing);
    try {
      await storing;
      events.ids.add(id);
    } finally {
      events.running.delete(id);
    }
    return true;
  }

  #of(boot: BootLog): BootEvents {
    const known = this.#boots.get(boot);
    if (known !== undefined) return known;
    const events: BootEvents = { ids: new EventIds(), running: new Map(), loading: undefined };
    this.#boots.set(boot, events);
    if (boot.restored) {
      events.loading = this.#load(boot, events.ids).then(
        () => {
          events.loading = undefined;
        },
        (error: unknown) => {
          // Forget the boot, so that the next call tries again.
          this.#boots.delete(boot);
          throw error;
        },
      );
    }
    return events;
  }

  /** The boot's last ids, from the newest page of its machine's events backwards. */
  async #load(boot: BootLog, ids: EventIds): Promise<void> {
    const found: string[] = [];
    let before: number | undefined;
    for (;;) {
      const page = await this.#log.read({
        filters: [this.#filter],
        machine: boot.machine,
        tail: true,
        limit: PAGE,
        ...(before !== undefined && { before }),
      });
      const { records } = page;
      let ofBoot = 0;
      for (const { json } of records.toReversed()) {
        const record = JSON.parse(json) as { readonly boot: number; readonly body: { readonly id?: string } };
        if (record.boot === boot.number) ofBoot += 1;
        if (record.boot === boot.number && record.body.id !== undefined) found.push(record.body.id);
      }
      before = page.before ?? records[0]?.seq;
      // A page without this boot's events lies before the boot; an empty one is only as far as there was time for.
      if (before === undefined || (ofBoot === 0 && records.length > 0) || found.length >= MAX_EVENT_IDS) break;
    }
    for (const id of found.slice(0, MAX_EVENT_IDS).toReversed()) ids.add(id);
  }
}
