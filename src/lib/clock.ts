/** Time, injected so that no test has to wait for it. All values are milliseconds. */
export interface Clock {
  /** Wall-clock time since the Unix epoch. It may jump. */
  now(): number;
  /** Monotonic time since an arbitrary start. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. It never rejects and does not keep the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`; returns a cancel function. It does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = setTimeout(done, ms).unref();
      signal?.addEventListener('abort', done, { once: true });
      function done() {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      }
    }),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};
