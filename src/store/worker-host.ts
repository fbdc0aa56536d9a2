import type { EventLoopUtilization } from 'node:perf_hooks';
import { type ResourceLimits, type Transferable, Worker } from 'node:worker_threads';
import { SiderolinkError } from '../domain/errors.ts';
import type { FromWorker, ToWorker } from './worker-port.ts';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A worker thread of this room: requests with replies, and its death told once. */
export class WorkerHost {
  readonly #name: string;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #ready: Promise<unknown>;
  #nextId = 1;
  #closing = false;
  #death: SiderolinkError | undefined;
  #onDeath: (error: SiderolinkError) => void = () => {};
  #onBroken: (kind: string) => void = () => {};

  /** @param module what the thread runs */
  constructor(name: string, module: URL, data: unknown, limits: ResourceLimits) {
    this.#name = name;
    this.#worker = new Worker(module, { name: `siderolinkd-${name}`, workerData: data, resourceLimits: limits });
    this.#ready = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
    // Whoever opens the worker awaits it; a worker that dies before that is reported there.
    this.#ready.catch(() => {});
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error) => this.#die(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#die(new Error(`exit code ${code}`));
        resolve();
      });
    });
  }

  /** What the worker said when it was open, once: that may be much, and is not kept. @throws SiderolinkError why it could not */
  async ready(): Promise<unknown> {
    const said = await this.#ready;
    this.#ready = Promise.resolve();
    return said;
  }

  /** How long the thread has worked and rested since it began. */
  utilization(): EventLoopUtilization {
    return this.#worker.performance.eventLoopUtilization();
  }

  /** Told of the kind of each request that fails because the store's file is damaged. */
  onBroken(callback: (kind: string) => void): void {
    this.#onBroken = callback;
  }

  onDeath(callback: (error: SiderolinkError) => void): void {
    this.#onDeath = callback;
  }

  /** @throws SiderolinkError what the worker threw, or `storage` if it died */
  request(request: unknown, transfer: readonly Transferable[] = []): Promise<unknown> {
    if (this.#death !== undefined) return Promise.reject(this.#death);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const message: ToWorker = { id, request };
      this.#worker.postMessage(message, [...transfer]);
    });
  }

  /** Lets the worker end by itself after a last request, or ends it when the signal aborts. */
  async close(lastRequest: unknown, signal: AbortSignal): Promise<void> {
    this.#closing = true;
    const terminate = () => void this.#worker.terminate();
    if (signal.aborted) terminate();
    signal.addEventListener('abort', terminate, { once: true });
    try {
      this.request(lastRequest).catch(() => {});
      await this.#exited;
    } finally {
      signal.removeEventListener('abort', terminate);
    }
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#settle(0)?.resolve(message.state);
        return;
      case 'failed':
        this.#closing = true;
        this.#settle(0)?.reject(new SiderolinkError(message.code, message.message));
        return;
      case 'reply':
        this.#settle(message.id)?.resolve(message.value);
        return;
      case 'refused':
        if (message.broken !== null) this.#onBroken(message.broken);
        this.#settle(message.id)?.reject(new SiderolinkError(message.code, message.message));
        return;
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #die(cause: Error): void {
    if (this.#death !== undefined) return;
    const message = `the ${this.#name} thread of the store ended: ${cause.message}`;
    this.#death = new SiderolinkError('storage', message, {}, { cause });
    for (const waiting of this.#waiting.values()) waiting.reject(this.#death);
    this.#waiting.clear();
    if (!this.#closing) this.#onDeath(this.#death);
  }
}
