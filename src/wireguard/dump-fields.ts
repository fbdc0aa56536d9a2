import { SiderolinkError } from '../domain/errors.ts';

const TAB = 0x09;
const LINE_FEED = 0x0a;
const ZERO = 0x30;
/** Of the largest number of 64 bits. */
const MAX_DIGITS = 20;

/** Reads the fields of one line of a dump after the other. It is made once and moved about, so that a line costs no object. */
export class DumpFields {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #line = 0;

  /** Begins at a field. What is read must end with a line feed. `line`: for errors. */
  begin(bytes: Buffer, at: number, line: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#line = line;
  }

  /** Where the next field begins, or the next line. */
  get at(): number {
    return this.#at;
  }

  /**
   * The next field, which is not the last of its line. `before`: what it was; if it still is, that string is given again.
   *
   * @throws SiderolinkError `command_failed` if the line has no more
   */
  text(before: string): string {
    const bytes = this.#bytes;
    const start = this.#at;
    const end = this.#end(TAB);
    if (end - start !== before.length) return bytes.toString('latin1', start, end);
    for (let index = start; index < end; index += 1) {
      if (bytes[index] !== before.charCodeAt(index - start)) return bytes.toString('latin1', start, end);
    }
    return before;
  }

  /** The next field, which is not the last of its line, as a number. @throws SiderolinkError `command_failed` if it is none */
  count(): number {
    const bytes = this.#bytes;
    const start = this.#at;
    const end = this.#end(TAB);
    if (end === start || end - start > MAX_DIGITS) throw malformed(this.#line);
    let value = 0;
    for (let index = start; index < end; index += 1) {
      const digit = (bytes[index] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) throw malformed(this.#line);
      value = 10 * value + digit;
    }
    return value;
  }

  /** Passes over a field that is not the last of its line. @throws SiderolinkError `command_failed` if the line has no more */
  skip(): void {
    this.#end(TAB);
  }

  /** Passes over the last field of the line. @throws SiderolinkError `command_failed` if it is not the last */
  last(): void {
    this.#end(LINE_FEED);
  }

  /** The end of the field that ends with this byte; goes on behind it. */
  #end(by: number): number {
    const bytes = this.#bytes;
    let end = this.#at;
    while (bytes[end] !== TAB && bytes[end] !== LINE_FEED) end += 1;
    if (bytes[end] !== by) throw malformed(this.#line);
    this.#at = end + 1;
    return end;
  }
}

/** What is said of line 1, which holds the private key, is said of all: its number. */
export function malformed(line: number): SiderolinkError {
  return new SiderolinkError('command_failed', `wg: line ${line} of its dump is not what wg(8) describes`, { line });
}
