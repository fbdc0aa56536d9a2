import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Debian's rsyslog as it would be set up for the same job: TCP in, JSON parsed, written to a file, no fsync. */
export class Rsyslog {
  readonly port = 5140;
  readonly #directory = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'rsyslog-bench-'));
  readonly #output = join(this.#directory, 'out.log');
  #process: ChildProcess | undefined;
  #counted = 0;
  #lines = 0;

  async start(): Promise<void> {
    const configuration = join(this.#directory, 'rsyslog.conf');
    writeFileSync(
      configuration,
      `global(workDirectory="${this.#directory}" maxMessageSize="64k")
module(load="imptcp" threads="2")
module(load="mmjsonparse")
template(name="json" type="list") { property(name="$!all-json") constant(value="\\n") }
ruleset(name="kmsg" queue.type="FixedArray" queue.size="200000" queue.workerThreads="2" queue.dequeueBatchSize="1024") {
  action(type="mmjsonparse" cookie="")
  action(type="omfile" file="${this.#output}" template="json" ioBufferSize="256k" asyncWriting="off" flushOnTXEnd="on")
}
input(type="imptcp" port="${this.port}" ruleset="kmsg" SupportOctetCountedFraming="off")
`,
    );
    this.#process = spawn('rsyslogd', ['-n', '-f', configuration, '-i', join(this.#directory, 'pid')], {
      stdio: 'ignore',
    });
    const end = performance.now() + 10_000;
    while (!(await canConnect(this.port))) {
      if (this.#process.exitCode !== null || performance.now() > end) throw new Error('rsyslogd did not start');
      await sleep(20);
    }
  }

  /** Resolves when the output file holds so many lines. */
  async written(lines: number, timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (this.#count() < lines) {
      if (performance.now() > end) throw new Error(`rsyslog wrote ${this.#lines} of ${lines} lines in ${timeoutMs} ms`);
      await sleep(25);
    }
  }

  /** Counts only what came since the last look. */
  #count(): number {
    if (!existsSync(this.#output)) return 0;
    const fd = openSync(this.#output, 'r');
    const { size } = fstatSync(fd);
    const part = Buffer.allocUnsafe(1024 * 1024);
    while (this.#counted < size) {
      const read = readSync(fd, part, 0, part.length, this.#counted);
      for (let at = part.indexOf(10); at >= 0 && at < read; at = part.indexOf(10, at + 1)) this.#lines++;
      this.#counted += read;
    }
    closeSync(fd);
    return this.#lines;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
