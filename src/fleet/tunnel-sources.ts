import { formatHostPort, type HostPort } from '../domain/host-port.ts';
import type { Machine } from './types.ts';

interface Source {
  /** Of which boot: another one comes from wherever it likes. */
  readonly boot: number;
  /** Null without a stream. */
  current: HostPort | null;
  /** The host that was told last, or that it came from first. */
  told: string;
}

/** From where each machine's tunnel stream comes now, for people to read. In memory only. */
export class TunnelSources {
  readonly #sources = new Map<number, Source>();
  readonly #moved = new Set<number>();
  #onMoved: () => void = () => {};

  /** `host:port`, by the machine's number; null without a stream. */
  get(machine: number): string | null {
    const current = this.#sources.get(machine)?.current ?? null;
    return current === null ? null : formatHostPort(current);
  }

  /** A stream of this machine came from there. Another port of the same host is another connection, not another place. */
  set({ id, boot }: Pick<Machine, 'id' | 'boot'>, current: HostPort): void {
    const before = this.#sources.get(id);
    if (before === undefined || before.boot !== boot) {
      this.#sources.set(id, { boot, current, told: current.host });
      this.#moved.delete(id);
      return;
    }
    before.current = current;
    if (current.host === before.told) return;
    this.#moved.add(id);
    this.#onMoved();
  }

  /** Its stream ended. Where it came from is kept, so that it is known when the next one comes from elsewhere. */
  close(machine: number): void {
    const source = this.#sources.get(machine);
    if (source !== undefined) source.current = null;
  }

  /** The machine is gone. */
  forget(machine: number): void {
    this.#sources.delete(machine);
    this.#moved.delete(machine);
  }

  /** Calls when a machine's stream came from another host than was told. One listener. */
  onMoved(listener: () => void): void {
    this.#onMoved = listener;
  }

  /** Machines that come from another host than was told, each once. Who has no stream now is left out. */
  takeMoved(): readonly number[] {
    const moved = [...this.#moved];
    this.#moved.clear();
    return moved.filter((machine) => {
      const source = this.#sources.get(machine);
      const host = source?.current?.host;
      return host !== undefined && host !== source?.told;
    });
  }

  /** A record said where the machine comes from now. */
  tell(machine: number): void {
    const source = this.#sources.get(machine);
    if (source !== undefined) source.told = source.current?.host ?? source.told;
  }
}
