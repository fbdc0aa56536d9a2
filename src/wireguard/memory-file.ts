import { closeSync, constants, ftruncateSync, openSync, readSync, statfsSync, writeSync } from 'node:fs';
import { SiderolinkError } from '../domain/errors.ts';

/** A file system that is in memory, on Linux and in containers (file-hierarchy(7)). */
const DIRECTORY = '/dev/shm';
/** Of tmpfs, as statfs(2) gives it. */
const TMPFS = 0x01021994;
/** A file without a name, of open(2); Node does not name it. */
const O_TMPFILE = 0o20_000_000 | constants.O_DIRECTORY;

/** A file without a name that is in memory only, for what one process writes and another one reads. Nobody else can open it. */
export class MemoryFile {
  readonly fd: number;

  /** A file that this process was given. */
  constructor(fd: number) {
    this.fd = fd;
  }

  /** Makes one; `undefined` where there is no such file system: what is written may be secret, and goes to no disk. */
  static open(directory = DIRECTORY): MemoryFile | undefined {
    try {
      if (statfsSync(directory).type !== TMPFS) return undefined;
      return new MemoryFile(openSync(directory, O_TMPFILE | constants.O_RDWR, 0o600));
    } catch {
      return undefined;
    }
  }

  /** Writes from its beginning. @throws Error of the system: others may have filled the file system */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at, bytes.length - at, at);
  }

  /** Reads as many bytes from its beginning. @throws SiderolinkError `internal` if there are not so many */
  read(into: Uint8Array): void {
    for (let at = 0; at < into.length; ) {
      const more = readSync(this.fd, into, at, into.length - at, at);
      if (more === 0) throw new SiderolinkError('internal', 'a file in memory is shorter than was said', { at });
      at += more;
    }
  }

  /** Gives its memory back. */
  empty(): void {
    ftruncateSync(this.fd, 0);
  }

  close(): void {
    closeSync(this.fd);
  }
}
