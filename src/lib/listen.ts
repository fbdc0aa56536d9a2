import type { Clock } from './clock.ts';

const BIND_RETRY_MS = 100;

/**
 * Binds a socket, waiting for an address that does not exist yet (an overlay address before its device).
 * @throws what `bind` throws; EADDRNOTAVAIL only after `timeoutMs` or when `signal` aborts
 */
export async function bindPatiently<T>(
  bind: () => Promise<T>,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  clock: Clock,
): Promise<T> {
  const giveUpAt = clock.monotonic() + options.timeoutMs;
  for (;;) {
    try {
      return await bind();
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL';
      if (!missing || options.signal.aborted || clock.monotonic() >= giveUpAt) throw error;
    }
    await clock.sleep(BIND_RETRY_MS, options.signal);
  }
}
