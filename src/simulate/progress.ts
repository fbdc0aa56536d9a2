import type { MachineCounters } from './counters.ts';
import type { MachineNotice } from './machine.ts';

export interface ProgressOptions {
  readonly json: boolean;
}

export interface ProgressDeps {
  readonly write: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Tells on the terminal, or to a program, what the machines do. Never shows a token. */
export class Progress {
  readonly #json: boolean;
  readonly #deps: ProgressDeps;

  constructor({ json }: ProgressOptions, deps: ProgressDeps) {
    this.#json = json;
    this.#deps = deps;
  }

  notice(uuid: string, notice: MachineNotice): void {
    if (this.#json) this.#object({ machine: uuid, event: notice.kind, ...withoutKind(notice) });
    else this.#text(`${uuid.slice(0, 8)}  ${describe(notice)}`);
  }

  crashed(uuid: string, reason: string): void {
    if (this.#json) this.#object({ machine: uuid, event: 'crashed', reason });
    else this.#text(`${uuid.slice(0, 8)}  its process is gone: ${reason.trim()}`);
  }

  say(text: string): void {
    if (this.#json) this.#object({ event: 'message', message: text });
    else this.#text(text);
  }

  summary(machines: number, counters: MachineCounters): void {
    if (this.#json) this.#object({ event: 'summary', machines, ...counters });
    else {
      const { boots, links, kmsgSent, kmsgLost, eventsSent, eventsLost } = counters;
      this.#text(
        `${machines} machines: ${boots} boots, ${links} links, ${kmsgSent} kernel lines sent and ${kmsgLost} lost, ` +
          `${eventsSent} events acknowledged and ${eventsLost} lost`,
      );
    }
  }

  #object(fields: Record<string, unknown>): void {
    this.#text(JSON.stringify({ time: new Date(this.#deps.now()).toISOString(), ...fields }));
  }

  #text(text: string): void {
    this.#deps.write(`${text}\n`);
  }
}

function withoutKind(notice: MachineNotice): Record<string, unknown> {
  const { kind: _, ...rest } = notice;
  return rest;
}

function describe(notice: MachineNotice): string {
  switch (notice.kind) {
    case 'booting':
      return `boot ${notice.boot} begins, key ${notice.publicKey}`;
    case 'provision_failed':
      return `could not join: ${notice.error}`;
    case 'retry':
      return `tries again in ${(notice.waitMs / 1000).toFixed(1)} s: ${notice.error}`;
    case 'linked':
      return `linked as ${notice.address} over ${notice.tunnelled ? 'a gRPC stream' : notice.endpoint}`;
    case 'tunnel_ended':
      return `its gRPC stream ended: ${notice.message || 'the connection was lost'}`;
    case 'booted':
      return `has booted, ${notice.lines} kernel lines`;
    case 'api':
      return notice.mode === 'maintenance'
        ? `maintenance mode: its Talos API answers on [${notice.address}]:${notice.port}`
        : `its Talos API answers on [${notice.address}]:${notice.port} and wants a client certificate`;
    case 'meta':
      return `META ${notice.key} was ${notice.change}`;
    case 'configured':
      return 'has left maintenance mode';
    case 'rebooting':
      return notice.mode === 'kexec' ? 'reboots by kexec' : 'reboots';
    case 'off':
      return `boot ${notice.boot} has ended`;
  }
}
