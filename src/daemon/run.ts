import type { Config } from '../config/config.ts';
import { ERRORS, errorCode, errorMessage } from '../domain/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { startDaemon } from './daemon.ts';

/**
 * Runs the daemon until a signal or the failure of a part. SIGTERM and SIGINT stop it in order; a second one ends the
 * process at once.
 *
 * @returns the exit code of the process
 */
export async function run(config: Config, logger: Logger): Promise<number> {
  const stop = new AbortController();
  let failure: unknown;
  const signalled = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      logger.warn({ signal }, 'second signal: ending at once');
      process.exit(128 + SIGNAL_NUMBERS[signal as keyof typeof SIGNAL_NUMBERS]);
    }
    logger.info({ signal }, 'stopping');
    stop.abort();
  };
  for (const signal of Object.keys(SIGNAL_NUMBERS)) process.on(signal, signalled);

  const daemon = await startDaemon(config, logger, (error) => {
    failure ??= error;
    logger.fatal({ error: errorMessage(error) }, 'a part failed: stopping');
    stop.abort();
  });
  if (!stop.signal.aborted) {
    await new Promise<void>((resolve) => {
      stop.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  const unclean = await daemon.stop();
  logger.info({ unclean }, 'stopped');
  const code = failure === undefined ? 0 : ERRORS[errorCode(failure)].exit;
  if (unclean.length === 0) return code;
  // What did not stop has been named; it must not keep the process, and with it a restart, from its end.
  process.exit(code === 0 ? ERRORS.internal.exit : code);
}

const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;
