import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, statfsSync } from 'node:fs';

/** A file system that is in memory, on Linux and in containers (file-hierarchy(7)). */
const DIRECTORY = '/dev/shm';
/** Of tmpfs, as statfs(2) gives it. */
const TMPFS = 0x01021994;
/** A file without a name, of open(2); Node does not name it. */
const O_TMPFILE = 0o20_000_000 | constants.O_DIRECTORY;

/**
 * A file without a name that is in memory only: a command writes its output there and we read it, without a pipe, a
 * message or a string between. Others cannot open it. What is written goes to its end, whoever writes.
 */
export class MemoryFile {
  readonly fd: number;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** `undefined` where there is no such file system: what is written may be secret, and goes to no disk. */
  static open(directory = DIRECTORY): MemoryFile | undefined {
    try {
      if (statfsSync(directory).type !== TMPFS) return undefined;
      return new MemoryFile(openSync(directory, O_TMPFILE | constants.O_RDWR | constants.O_APPEND, 0o600));
    } catch {
      return undefined;
    }
  }

  get size(): number {
    return fstatSync(this.fd).size;
  }

  /** Reads it from its beginning; gives how many bytes there were, at most as many as fit. */
  read(into: Uint8Array): number {
    let length = 0;
    while (length < into.length) {
      const more = readSync(this.fd, into, length, into.length - length, length);
      if (more === 0) break;
      length += more;
    }
    return length;
  }

  /** Gives its memory back. */
  empty(): void {
    ftruncateSync(this.fd, 0);
  }

  close(): void {
    closeSync(this.fd);
  }
}
