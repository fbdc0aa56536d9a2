import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';

const PORT = 4222;
const READY_MS = 20_000;
const STREAM = 'SIDEROLINK';

/** Debian's nats-server with JetStream on files, as it comes. */
export class BenchNats {
  readonly url = `nats://127.0.0.1:${PORT}`;
  readonly #directory = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'nats-bench-'));
  #process: ChildProcess | undefined;
  #connection: NatsConnection | undefined;

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('nats-server does not run');
    return pid;
  }

  async start(): Promise<void> {
    this.#process = spawn('nats-server', ['-js', '-sd', this.#directory, '-a', '127.0.0.1', '-p', String(PORT)], {
      stdio: 'ignore',
    });
    const end = performance.now() + READY_MS;
    while (this.#connection === undefined) {
      try {
        this.#connection = await connect({ servers: this.url, reconnect: false });
      } catch (error) {
        if (performance.now() > end) throw error;
        await sleep(50);
      }
    }
  }

  /** Messages in the stream; 0 before it is made. */
  async messages(): Promise<number> {
    const manager = await jetstreamManager(this.#nats);
    try {
      return (await manager.streams.info(STREAM)).state.messages;
    } catch {
      return 0;
    }
  }

  /** Reads the whole stream. `each` gets the subject and its message's id of every one. */
  async readAll(messages: number, each: (subject: string, id: string) => void): Promise<void> {
    const consumer = await jetstream(this.#nats).consumers.get(STREAM);
    const reading = await consumer.consume({ max_messages: 5000 });
    let left = messages;
    for await (const message of reading) {
      each(message.subject, message.headers?.get('Nats-Msg-Id') ?? '');
      if (--left === 0) break;
    }
  }

  async stop(): Promise<void> {
    await this.#connection?.close();
    const child = this.#process;
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #nats(): NatsConnection {
    if (this.#connection === undefined) throw new Error('not connected');
    return this.#connection;
  }
}
