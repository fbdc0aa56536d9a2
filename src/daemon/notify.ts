import { createRequire } from 'node:module';
import { errorMessage } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';

/** What systemd is told of us (sd_notify(3)). Every call is harmless where there is no systemd. */
export interface Notifier {
  /** Started; also the first ping of the watchdog, if there is one. */
  ready(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** Stopping; the watchdog is pinged until `close`. */
  stopping(): void;
  close(): void;
}

export interface NotifierDeps {
  /** Has NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID if systemd started us. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A notifier for the systemd that started us, or one that does nothing. */
export function createNotifier({ env, clock, logger }: NotifierDeps): Notifier {
  const path = env['NOTIFY_SOCKET'];
  if (path === undefined || path === '') return SILENT;
  if (!path.startsWith('/')) {
    // An abstract socket (@…): unix-dgram ends a path at its first zero byte, so it cannot address one.
    logger.warn({ path }, 'systemd cannot be told that we are ready: its socket is no file');
    return SILENT;
  }
  try {
    return new SystemdNotifier({ path, watchdogMs: watchdogOf(env) }, { socket: openSocket(), clock, logger });
  } catch (error) {
    logger.warn(
      { error: errorMessage(error) },
      'systemd waits to be told that we are ready, but unix-dgram is missing',
    );
    return SILENT;
  }
}

const SILENT: Notifier = { ready() {}, status() {}, stopping() {}, close() {} };

/** Milliseconds within which systemd wants a ping; undefined for never. */
function watchdogOf(env: Readonly<Record<string, string | undefined>>): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC']);
  const pid = env['WATCHDOG_PID'];
  const meant = pid === undefined || Number(pid) === process.pid;
  return meant && Number.isFinite(microseconds) && microseconds > 0 ? microseconds / 1000 : undefined;
}

/** As much of unix-dgram as is used here; the package has no types. */
interface DatagramSocket {
  send(data: Buffer, offset: number, length: number, path: string, callback: (error?: Error) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  close(): void;
}

function openSocket(): DatagramSocket {
  const require = createRequire(import.meta.url);
  const dgram = require('unix-dgram') as { createSocket(type: 'unix_dgram'): DatagramSocket };
  return dgram.createSocket('unix_dgram');
}

class SystemdNotifier implements Notifier {
  readonly #path: string;
  readonly #socket: DatagramSocket;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #pingMs: number | undefined;
  #cancelPing: (() => void) | undefined;
  #closed = false;

  constructor(
    options: { readonly path: string; readonly watchdogMs: number | undefined },
    deps: { readonly socket: DatagramSocket; readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#path = options.path;
    // A third: two pings may be lost or late before systemd gives up on us.
    this.#pingMs = options.watchdogMs === undefined ? undefined : options.watchdogMs / 3;
    this.#socket = deps.socket;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#socket.on('error', (error) => this.#failed(error));
  }

  ready(): void {
    this.#send('READY=1');
    if (this.#cancelPing === undefined) this.#ping();
  }

  status(text: string): void {
    this.#send(`STATUS=${text.replaceAll(/\s+/g, ' ')}`);
  }

  stopping(): void {
    this.#send('STOPPING=1');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelPing?.();
    this.#socket.close();
  }

  #ping(): void {
    if (this.#closed || this.#pingMs === undefined) return;
    this.#send('WATCHDOG=1');
    this.#cancelPing = this.#clock.after(this.#pingMs, () => this.#ping());
  }

  #send(message: string): void {
    if (this.#closed) return;
    const data = Buffer.from(message);
    this.#socket.send(data, 0, data.length, this.#path, (error) => {
      if (error !== undefined) this.#failed(error);
    });
  }

  #failed(error: Error): void {
    this.#logger.warn({ error: errorMessage(error) }, 'systemd could not be told');
  }
}
