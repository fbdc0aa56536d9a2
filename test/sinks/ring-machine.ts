import { kernelLine } from './fakes.ts';

/** A line of the kernel as its ring has it. */
interface RingLine {
  readonly seq: number;
  readonly text: string;
}

/** What was written to a connection and the other side has not read yet. */
export interface Wire {
  bytes: Buffer;
  /** Nobody writes any more. */
  isClosed: boolean;
  /** The other side is gone: what is written is lost. */
  isDead: boolean;
}

/**
 * A machine as a kernel log sink sees it: a ring that forgets its oldest lines, and the sender of Talos over it
 * (facts/talos-client.md section 5.1).
 */
export class RingMachine {
  readonly #capacity: number;
  /** Of this boot; the ring has the last ones. */
  #lines: RingLine[] = [];
  /** The next line that the sender reads. */
  #next = 0;
  #boot = 0;
  #wire: Wire | undefined;
  /** What the clock is off by, microseconds: `talos-time` shifts when the reader is opened again. */
  #shift = 0;
  /** All lines of all boots, by boot and seq. */
  readonly said: string[][] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.boot();
  }

  get bootNumber(): number {
    return this.#boot;
  }

  /** A new kernel: numbers begin again, whatever was not sent is gone. What is on the wire stays there. */
  boot(): void {
    this.#boot += 1;
    this.#lines = [];
    this.#next = 0;
    this.#wire = undefined;
    this.said[this.#boot] = [];
  }

  /** The kernel says so many lines. */
  say(count: number): void {
    for (let i = 0; i < count; i += 1) {
      const seq = this.#lines.length;
      const text = kernelLine(seq, { msg: `boot ${this.#boot} line ${seq}\n`, clock: seq * 1_000 + this.#boot });
      this.#lines.push({ seq, text });
      this.said[this.#boot]?.push(text);
    }
  }

  /** Whether the sender believes so. */
  get isConnected(): boolean {
    return this.#wire !== undefined;
  }

  connect(): Wire {
    if (this.#wire !== undefined) this.#wire.isClosed = true;
    this.#wire = { bytes: Buffer.alloc(0), isClosed: false, isDead: false };
    return this.#wire;
  }

  /** Sends so many lines, if it is connected. What the ring has forgotten is skipped without a word. */
  send(count: number): void {
    for (let i = 0; i < count; i += 1) {
      const line = this.#read();
      if (line === undefined || this.#wire === undefined) return;
      if (this.#wire.isDead) {
        // The first write after the other side went is lost; then the sender knows.
        this.#wire = undefined;
        return;
      }
      this.#wire.bytes = Buffer.concat([this.#wire.bytes, Buffer.from(`${line}\n`)]);
    }
  }

  /** A write that goes through in part: that line is lost, and the connection closed. */
  sendHalf(share: number): void {
    if (this.#wire === undefined || this.#wire.isDead) return;
    const line = this.#read();
    if (line === undefined) return;
    const half = Buffer.from(line).subarray(0, Math.floor(line.length * share));
    this.#wire.bytes = Buffer.concat([this.#wire.bytes, half]);
    this.#wire.isClosed = true;
    this.#wire = undefined;
  }

  /** The controller begins anew: it reads the ring from the start. */
  restartReader(): void {
    this.#next = 0;
    this.#shift += 700_000;
  }

  #read(): string | undefined {
    this.#next = Math.max(this.#next, this.#lines.length - this.#capacity);
    const line = this.#lines[this.#next];
    if (line === undefined) return undefined;
    this.#next += 1;
    return line.text.replace('00.000000001Z', `${String(this.#shift).padStart(9, '0')}Z`);
  }
}
