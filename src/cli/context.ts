import type { Writable } from 'node:stream';
import type { ControlClient } from '../client/client.ts';
import type { Clock } from '../lib/clock.ts';
import { createStyle, type Style } from './text.ts';

export type Format = 'table' | 'json' | 'wide';

/** The world of a command, so that nothing in it is global. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Where the bytes go that are no text; undefined where nothing takes them. */
  readonly rawOut?: Writable | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly outIsTty: boolean;
  readonly errIsTty: boolean;
  /** How wide the terminal is now; undefined where output is no terminal, or nobody knows. */
  readonly columns?: (() => number | undefined) | undefined;
  /** Asks the person at the terminal and resolves with the line given; undefined where nobody can be asked. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  readonly clock: Clock;
  /** Aborts when the user wants the command to end. */
  readonly signal: AbortSignal;
}

/** What an action works with. */
export interface Context extends Io {
  readonly client: ControlClient;
  readonly format: Format;
  /** Whether `-o` was given. */
  readonly formatIsChosen: boolean;
  readonly style: Style;
}

/** Turns an action into what commander calls: the action gets its context first, and then arguments and options. */
export type Run = <Args extends unknown[]>(
  action: (context: Context, ...args: Args) => Promise<void> | void,
) => (...args: unknown[]) => Promise<void>;

/** Colours are for terminals, and for who does not refuse them (no-color.org). */
export function styleFor(io: Io): Style {
  const refused = (io.env['NO_COLOR'] ?? '') !== '' || io.env['TERM'] === 'dumb';
  return createStyle(io.outIsTty && !refused);
}

/** One value as JSON on one line. */
export function printJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value)}\n`);
}

/** Ends a command with an exit code of its own; what there is to say has been said. */
export class Ended extends Error {
  override readonly name = 'Ended';
  readonly code: number;

  constructor(code: number) {
    super(`ended with ${code}`);
    this.code = code;
  }
}
