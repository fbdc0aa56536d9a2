import { timingSafeEqual } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { type ControlToken, controlTokenDigest, isControlToken, parseControlTokens } from '../domain/control-token.ts';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface TokensFileOptions {
  readonly path: string;
  /** How often the file is looked at, milliseconds. Default 1,000. */
  readonly pollMs?: number;
  /** A larger file is not read. Default 64 KiB. */
  readonly maxFileBytes?: number;
}

export interface TokensFileDeps {
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
}

/** Name of the health condition. */
const CONDITION = 'control_tokens';
const OTHERS_MAY_READ = 0o004;

interface Known extends ControlToken {
  readonly digest: Buffer;
}

/**
 * The tokens of the control API, in a file that somebody else writes. A change is noticed by looking, within `pollMs`. A
 * file that cannot be used leaves the tokens before it in force and sets the condition until it is put right.
 */
export class TokensFile {
  readonly #options: TokensFileOptions;
  readonly #deps: TokensFileDeps;
  readonly #listeners = new Set<() => void>();
  #tokens: readonly Known[] = [];
  /** What the file looked like when it was last read. */
  #seen = '';
  #stopped = false;
  #cancel: (() => void) | undefined;
  #checking: Promise<void> | undefined;

  constructor(options: TokensFileOptions, deps: TokensFileDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Reads the file and begins to look for changes. @throws SiderolinkError `configuration` */
  async start(): Promise<void> {
    this.#seen = await this.#fingerprint();
    this.#take(await this.#read());
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#checking;
  }

  /**
   * Who has this token. It takes one hash, and as long for every text that looks like a token; undefined for all others.
   */
  find(token: string): ControlToken | undefined {
    if (!isControlToken(token)) return undefined;
    const digest = controlTokenDigest(token);
    let found: ControlToken | undefined;
    for (const known of this.#tokens) {
      if (timingSafeEqual(known.digest, digest)) found = known;
    }
    return found;
  }

  /** Whether the token that was found is still in force, with the same role. */
  holds(token: ControlToken): boolean {
    return this.#tokens.some(({ hash, role }) => hash === token.hash && role === token.role);
  }

  /** Called after the tokens have changed. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Looks at the file now. Never rejects; calls at the same time share one look. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel = this.#deps.clock.after(this.#options.pollMs ?? 1_000, () => {
      void this.check().then(() => this.#schedule());
    });
  }

  async #check(): Promise<void> {
    // Taken before reading: a change meanwhile makes the next look differ.
    const seen = await this.#fingerprint();
    if (seen === this.#seen) return;
    this.#seen = seen;
    try {
      this.#take(await this.#read());
    } catch (error) {
      const message = `${errorMessage(error)}; the tokens before it stay in force`;
      this.#deps.health.set(CONDITION, 'warning', message);
      this.#deps.logger.warn({ reason: errorMessage(error) }, 'the tokens file cannot be used');
      return;
    }
    for (const listener of this.#listeners) listener();
  }

  #take({ tokens, mode }: { readonly tokens: readonly ControlToken[]; readonly mode: number }): void {
    const { path } = this.#options;
    this.#tokens = tokens.map((token) => ({ ...token, digest: Buffer.from(token.hash, 'hex') }));
    const warning =
      (mode & OTHERS_MAY_READ) !== 0
        ? `every user of this host may read ${path}: chmod o-rwx it`
        : tokens.length === 0
          ? `${path} holds no token: nobody may call over TCP; siderolinkctl control-token create makes one`
          : undefined;
    this.#deps.health.set(CONDITION, warning === undefined ? 'ok' : 'warning', warning);
    this.#deps.logger.info({ file: path, tokens: tokens.length }, 'control tokens loaded');
  }

  async #read(): Promise<{ readonly tokens: readonly ControlToken[]; readonly mode: number }> {
    const { path, maxFileBytes = 65_536 } = this.#options;
    try {
      const file = await open(path, 'r');
      try {
        const { size, mode } = await file.stat();
        if (size > maxFileBytes) throw new Error(`it has ${size} bytes; at most ${maxFileBytes} are read`);
        return { tokens: parseControlTokens(await file.readFile('utf8')), mode };
      } finally {
        await file.close();
      }
    } catch (error) {
      const what = error instanceof SiderolinkError ? '' : 'cannot be read: ';
      throw new SiderolinkError(
        'configuration',
        `control.tokens_file ${path}: ${what}${errorMessage(error)}`,
        {},
        { cause: error },
      );
    }
  }

  async #fingerprint(): Promise<string> {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(this.#options.path, { bigint: true });
      return [dev, ino, size, mtimeNs, ctimeNs].join(':');
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    }
  }
}
