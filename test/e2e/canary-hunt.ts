/** How long a piece of a secret must be to be found wherever it begins: what is shorter says little of 256 random bits. */
const PIECE = 12;
const STRIDE = 3;

interface Needle {
  readonly name: string;
  readonly form: string;
  readonly bytes: Buffer;
}

/** Secrets that were given out, and the search for them in whatever form they may have been written down. */
export class CanaryHunt {
  /** By their first three bytes, as a number. */
  readonly #needles = new Map<number, Needle[]>();
  /** 1 for the first three bytes of a needle: nearly all places of a haystack are done with by one look at it. */
  readonly #first = new Uint8Array(2 ** 24);
  readonly #names = new Set<string>();
  #searched = 0;

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Bytes that were searched, over all places. */
  get searched(): number {
    return this.#searched;
  }

  /** A secret as people write it. `bytes`: what it is in base64 or the like, if that is a secret on its own. */
  add(name: string, text: string, bytes?: Buffer): void {
    if (text.length < PIECE) throw new Error(`${name}: too short to be told from chance`);
    if (this.#names.has(name)) throw new Error(`${name}: twice`);
    this.#names.add(name);
    for (let at = 0; at + PIECE <= text.length; at += STRIDE) this.#push(name, 'plain', text.slice(at, at + PIECE));
    this.#push(name, 'the end of it', text.slice(-PIECE));
    this.#push(name, 'url-encoded', encodeURIComponent(text));
    this.#push(name, 'url-encoded twice', encodeURIComponent(encodeURIComponent(text)));
    this.#push(name, 'json', JSON.stringify(text).slice(1, -1));
    this.#push(name, 'utf-16', Buffer.from(text, 'utf16le'));
    this.#encodings(name, '', Buffer.from(text));
    if (bytes === undefined) return;
    this.#push(name, 'as bytes', bytes);
    this.#encodings(name, 'its bytes ', bytes);
    this.#encodings(name, 'its bytes backwards ', Buffer.from(bytes).reverse());
  }

  /** What was found there: `name (form) in where`, each name once. */
  find(where: string, content: string | Buffer): string[] {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    this.#searched += bytes.length;
    const found = new Map<string, string>();
    let key = 0;
    for (let end = 0; end < bytes.length; end += 1) {
      key = ((key << 8) | (bytes[end] as number)) & 0xffffff;
      if (this.#first[key] === 0 || end < 2) continue;
      for (const { name, form, bytes: needle } of this.#needles.get(key) ?? []) {
        const at = end - 2;
        if (found.has(name) || !needle.equals(bytes.subarray(at, at + needle.length))) continue;
        found.set(name, `${name} (${form}) in ${where}`);
      }
    }
    return [...found.values()];
  }

  #encodings(name: string, of: string, bytes: Buffer): void {
    this.#push(name, `${of}backwards`, Buffer.from(bytes).reverse());
    // Half of it says as much, and hexadecimal text is often cut or broken up.
    const half = Math.max(PIECE, bytes.length >> 1);
    for (const part of [bytes.subarray(0, half), bytes.subarray(-half)]) {
      this.#push(name, `${of}in hexadecimal`, part.toString('hex'));
      this.#push(name, `${of}in hexadecimal`, part.toString('hex').toUpperCase());
    }
    // In the base64 of something longer it may stand at any of three places; its first and last characters are shared.
    for (let lead = 0; lead < 3; lead += 1) {
      const text = Buffer.concat([Buffer.alloc(lead), bytes])
        .toString('base64')
        .replace(/=+$/, '');
      const own = text.slice(lead === 0 ? 0 : lead + 1, -1);
      this.#push(name, `${of}in base64`, own);
      this.#push(name, `${of}in base64url`, own.replaceAll('+', '-').replaceAll('/', '_'));
    }
  }

  #push(name: string, form: string, needle: string | Buffer): void {
    const bytes = Buffer.from(needle as string);
    const key = bytes.readUIntBE(0, 3);
    this.#first[key] = 1;
    const others = this.#needles.get(key);
    if (others === undefined) this.#needles.set(key, [{ name, form, bytes }]);
    else others.push({ name, form, bytes });
  }
}
