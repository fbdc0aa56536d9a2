import { SiderolinkError } from '../../src/domain/errors.ts';
import type { RegistryImage, RegistryOp } from '../../src/domain/registry.ts';
import type { Change, LogLines, LogSource, RecordLog } from '../../src/stream/types.ts';
import { bootRows } from './fakes.ts';

export interface StoredLine {
  readonly boot: number;
  readonly text: string;
}

interface PendingChange {
  readonly change: Change;
  readonly resolve: (seqs: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Cut {
  readonly op: RegistryOp | undefined;
  readonly lines: readonly StoredLine[];
}

/** A record log whose commits come when they are told to, fail when they are told to, and are forgotten by a crash. */
export class ModelStore implements Pick<RecordLog, 'appendLog' | 'whenWritable' | 'commit' | 'flush'> {
  #rows: RegistryImage['boots'];
  readonly lines: StoredLine[] = [];
  readonly gaps: { readonly boot: number; readonly body: string }[] = [];
  #appended: { readonly source: LogSource; readonly lines: StoredLine[] }[] = [];
  #cuts: Cut[] = [];
  #changes: PendingChange[] = [];
  #flushes: (() => void)[] = [];

  constructor(before?: ModelStore) {
    this.#rows = before === undefined ? [] : before.#rows;
    this.lines.push(...(before?.lines ?? []));
    this.gaps.push(...(before?.gaps ?? []));
  }

  get boots(): RegistryImage['boots'] {
    return this.#rows;
  }

  appendLog(source: LogSource, { payload, details }: LogLines): boolean {
    const texts = Buffer.from(payload).toString().split('\n').slice(0, -1);
    if (texts.length !== details.length) throw new Error('lines and details differ');
    this.#appended.push({ source, lines: texts.map((text) => ({ boot: source.boot, text })) });
    return true;
  }

  whenWritable(): Promise<void> {
    return Promise.resolve();
  }

  commit(change: Change): Promise<readonly number[]> {
    return new Promise((resolve, reject) => this.#changes.push({ change, resolve, reject }));
  }

  flush(): Promise<void> {
    if (this.#appended.length === 0 && this.#cuts.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushes.push(resolve));
  }

  /** What waits is cut into a commit: from now on its checkpoint stands. */
  cut(): void {
    for (const { source, lines } of this.#appended.splice(0)) this.#cuts.push({ op: source.checkpoint(), lines });
  }

  storeChanges(): void {
    for (const { change, resolve } of this.#changes.splice(0)) {
      this.#apply(change.ops);
      const gaps = change.records.filter(({ stream }) => stream === 'gap');
      this.gaps.push(...gaps.map(({ boot, body }) => ({ boot, body })));
      resolve(change.records.map(() => 0));
    }
  }

  /** Changes are refused, as on a full disk; lines stay. */
  refuseChanges(): void {
    for (const { reject } of this.#changes.splice(0)) reject(new SiderolinkError('storage', 'disk full'));
  }

  storeLines(): void {
    for (const { op, lines } of this.#cuts.splice(0)) {
      if (op !== undefined) this.#apply([op]);
      this.lines.push(...lines);
    }
    if (this.#appended.length === 0) for (const done of this.#flushes.splice(0)) done();
  }

  #apply(ops: readonly RegistryOp[]): void {
    const rows = this.#rows.map((row) => ({ op: 'putBoot', ...row }) as const);
    this.#rows = bootRows(...rows, ...ops);
  }
}
