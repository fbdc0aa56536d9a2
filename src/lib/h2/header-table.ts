/** RFC 7541 appendix A: names and values by turns, from index 1 on. */
const STATIC: readonly string[] = [
  ...[':authority', '', ':method', 'GET', ':method', 'POST', ':path', '/', ':path', '/index.html'],
  ...[':scheme', 'http', ':scheme', 'https', ':status', '200', ':status', '204', ':status', '206'],
  ...[':status', '304', ':status', '400', ':status', '404', ':status', '500', 'accept-charset', ''],
  ...['accept-encoding', 'gzip, deflate', 'accept-language', '', 'accept-ranges', '', 'accept', ''],
  ...['access-control-allow-origin', '', 'age', '', 'allow', '', 'authorization', '', 'cache-control', ''],
  ...['content-disposition', '', 'content-encoding', '', 'content-language', '', 'content-length', ''],
  ...['content-location', '', 'content-range', '', 'content-type', '', 'cookie', '', 'date', '', 'etag', ''],
  ...['expect', '', 'expires', '', 'from', '', 'host', '', 'if-match', '', 'if-modified-since', ''],
  ...['if-none-match', '', 'if-range', '', 'if-unmodified-since', '', 'last-modified', '', 'link', ''],
  ...['location', '', 'max-forwards', '', 'proxy-authenticate', '', 'proxy-authorization', '', 'range', ''],
  ...['referer', '', 'refresh', '', 'retry-after', '', 'server', '', 'set-cookie', ''],
  ...['strict-transport-security', '', 'transfer-encoding', '', 'user-agent', '', 'vary', '', 'via', ''],
  ...['www-authenticate', ''],
];
export const STATIC_ENTRIES = STATIC.length / 2;
/** What an entry counts beside its name and value. RFC 7541 section 4.1. */
const ENTRY_BYTES = 32;

export function staticName(index: number): string | undefined {
  return STATIC[2 * index - 2];
}

export function staticValue(index: number): string | undefined {
  return STATIC[2 * index - 1];
}

/** Header fields that a peer refers back to, within so many bytes. RFC 7541 sections 2.3.2 and 4. */
export class DynamicTable {
  /** Name and value by turns, the newest pair last. */
  readonly #fields: string[] = [];
  #bytes = 0;
  #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What goes beyond is forgotten, the oldest first. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evict(0);
  }

  /** One that does not fit empties the table and is not in it. RFC 7541 section 4.4. */
  add(name: string, value: string): void {
    const bytes = name.length + value.length + ENTRY_BYTES;
    this.#evict(bytes);
    if (bytes > this.#maxBytes) return;
    this.#fields.push(name, value);
    this.#bytes += bytes;
  }

  /** @param age 0 is the newest */
  name(age: number): string | undefined {
    return this.#fields[this.#fields.length - 2 * age - 2];
  }

  value(age: number): string | undefined {
    return this.#fields[this.#fields.length - 2 * age - 1];
  }

  #evict(room: number): void {
    let gone = 0;
    while (this.#bytes + room > this.#maxBytes && gone < this.#fields.length) {
      this.#bytes -= (this.#fields[gone]?.length ?? 0) + (this.#fields[gone + 1]?.length ?? 0) + ENTRY_BYTES;
      gone += 2;
    }
    if (gone > 0) this.#fields.splice(0, gone);
  }
}
