import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const DIRECTORY = 0o040755;
const LINK = 0o120777;
const FILE = 0o100000;

/**
 * A cpio archive of the "newc" form, which the kernel unpacks as its first root. Archives may follow one another in one
 * file. Everything belongs to root.
 */
export class Cpio {
  readonly #parts: Buffer[] = [];
  readonly #made = new Set(['.', '/']);
  #entries = 0;

  /** A file with this content. `path` is absolute in the archive; its directories are made. */
  file(path: string, content: Buffer | string, mode = 0o644): this {
    this.directory(dirname(path));
    return this.#add(path, FILE | mode, Buffer.from(content));
  }

  /** A copy of the file at `source` on this host. */
  copy(path: string, source: string): this {
    return this.file(path, readFileSync(source), statSync(source).mode & 0o777);
  }

  link(path: string, target: string): this {
    this.directory(dirname(path));
    return this.#add(path, LINK, Buffer.from(target));
  }

  directory(path: string): this {
    if (this.#made.has(path)) return this;
    this.directory(dirname(path));
    this.#made.add(path);
    return this.#add(path, DIRECTORY, Buffer.alloc(0));
  }

  bytes(): Buffer {
    return Buffer.concat([...this.#parts, entry('TRAILER!!!', 0, 0, Buffer.alloc(0))]);
  }

  #add(path: string, mode: number, content: Buffer): this {
    this.#entries += 1;
    this.#parts.push(entry(path.replace(/^\//, ''), this.#entries, mode, content));
    return this;
  }
}

function entry(name: string, inode: number, mode: number, content: Buffer): Buffer {
  const numbers = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
  const head = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return Buffer.concat([padded(Buffer.from(head)), padded(content)]);
}

/** To a multiple of four bytes. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
