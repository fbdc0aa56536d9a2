/** From where each machine's tunnel stream comes now, `host:port`, for people to read. In memory only. */
export class TunnelSources {
  readonly #sources = new Map<number, string>();

  /** By the machine's number; null without a stream. */
  get(machine: number): string | null {
    return this.#sources.get(machine) ?? null;
  }

  set(machine: number, source: string): void {
    this.#sources.set(machine, source);
  }

  forget(machine: number): void {
    this.#sources.delete(machine);
  }
}
