import { LEVELS, type LogStream, type Tags } from '../domain/record.ts';
import { subjectToken } from '../domain/subject.ts';
import type { BootLog } from '../fleet/boot-log.ts';
import type { LogSource } from '../stream/types.ts';

/** The record log compares sources by reference: these are the ones of a boot under its present tags. */
interface BootSources {
  readonly tags: Tags;
  readonly kmsg: LogSource;
  readonly log: LogSource;
}

/** One `LogSource` object per boot, tags and stream, shared by all connections of a machine. */
export class LogSources {
  readonly #byBoot = new WeakMap<BootLog, BootSources>();

  of(boot: BootLog, tags: Tags): BootSources {
    const known = this.#byBoot.get(boot);
    if (known?.tags === tags) return known;
    const make = (stream: LogStream): LogSource => ({
      machine: boot.machine,
      stream,
      boot: boot.number,
      tags,
      checkpoint: stream === 'kmsg' ? () => boot.checkpoint() : () => undefined,
    });
    const sources = { tags, kmsg: make('kmsg'), log: make('log') };
    this.#byBoot.set(boot, sources);
    return sources;
  }
}

/** Details of service logs fit in one byte. */
const MAX_NAMES = 256;
/** Characters of a service name that its subject keeps. */
const MAX_SERVICE = 63;

/** The details `<service>.<level>` of one connection's service logs, numbered. A full table is followed by a new one. */
export class ServiceNames {
  #names: string[] = [];
  #index = new Map<string, number>();

  /** The table that the last `indexOf` was of. It only grows. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** @param level index into `LEVELS` */
  indexOf(service: string, level: number): number {
    const detail = `${subjectToken(service.slice(0, MAX_SERVICE))}.${LEVELS[level] ?? 'other'}`;
    const known = this.#index.get(detail);
    if (known !== undefined) return known;
    if (this.#names.length === MAX_NAMES) {
      this.#names = [];
      this.#index = new Map();
    }
    const index = this.#names.push(detail) - 1;
    this.#index.set(detail, index);
    return index;
  }
}
