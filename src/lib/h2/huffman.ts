/**
 * HPACK's Huffman code (RFC 7541 appendix B). It is canonical: of codes of one length the next octet has the next number,
 * so lengths alone give the code. Octets of each length, in order; `x-y` is a range.
 */
const OCTETS_BY_LENGTH: Readonly<Record<number, string>> = {
  5: '48-50 97 99 101 105 111 115-116',
  6: '32 37 45-47 51-57 61 65 95 98 100 102-104 108-110 112 114 117',
  7: '58 66-87 89 106-107 113 118-122',
  8: '38 42 44 59 88 90',
  10: '33-34 40-41 63',
  11: '39 43 124',
  12: '35 62',
  13: '0 36 64 91 93 126',
  14: '94 125',
  15: '60 96 123',
  19: '92 195 208',
  20: '128 130-131 162 184 194 224 226',
  21: '153 161 167 172 176-177 179 209 216-217 227 229-230',
  22: '129 132-134 136 146 154 156 160 163-164 169-170 173 178 181 185-187 189-190 196 198 228 232-233',
  23: '1 135 137-141 143 147 149-152 155 157-158 165-166 168 174-175 180 182-183 188 191 197 231 239',
  24: '9 142 144-145 148 159 171 206 215 225 236-237',
  25: '199 207 234-235',
  26: '192-193 200-202 205 210 213 218-219 238 240 242-243 255',
  27: '203-204 211-212 214 221-223 241 244-248 250-254',
  28: '2-8 11-12 14-21 23-31 127 220 249',
  30: '10 13 22 256',
};
/** End of string: it is padding's code and stands in no string. */
const EOS = 256;
/** In a table: the code ends here; its octet in bits 0 to 8, its bits of this table from bit 9 on. */
const LEAF = 1 << 15;
/** No code is shorter, so no string grows by more than 8/5. */
const SHORTEST_CODE = 5;

/** Tables of 256 entries one after the other, each for eight more bits: a leaf, or the number of the next table. */
const TABLES: Uint16Array = buildTables();
let scratch: Buffer = Buffer.alloc(0);

function octetsOf(text: string): number[] {
  return text.split(' ').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function buildTables(): Uint16Array {
  const tables: Uint16Array[] = [new Uint16Array(256)];
  let code = 0;
  let before = SHORTEST_CODE;
  for (const [text, octets] of Object.entries(OCTETS_BY_LENGTH)) {
    const length = Number(text);
    code <<= length - before;
    before = length;
    for (const octet of octetsOf(octets)) insert(tables, code++, length, octet);
  }
  const all = new Uint16Array(256 * tables.length);
  tables.forEach((table, i) => {
    all.set(table, 256 * i);
  });
  return all;
}

function insert(tables: Uint16Array[], code: number, length: number, octet: number): void {
  let table = tables[0] ?? new Uint16Array(256);
  let left = length;
  for (; left > 8; left -= 8) {
    const byte = (code >>> (left - 8)) & 0xff;
    if (table[byte] === 0) {
      table[byte] = tables.length;
      tables.push(new Uint16Array(256));
    }
    table = tables[table[byte] ?? 0] ?? table;
  }
  const first = (code << (8 - left)) & 0xff;
  table.fill(LEAF | (left << 9) | octet, first, first + (1 << (8 - left)));
}

/**
 * The octets of `bytes` from `start` to `end`, as text with a character each; undefined if they are no string of this
 * code: an end of string inside, a code that is cut off, padding that is longer than 7 bits or not all ones.
 */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string | undefined {
  const most = Math.ceil(((end - start) * 8) / SHORTEST_CODE);
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(Math.max(1_024, 2 * most));
  const out = scratch;
  let length = 0;
  /** Bits that are read and not decoded: the lowest `bits` of `pending`. */
  let pending = 0;
  let bits = 0;
  let table = 0;
  for (let at = start; at < end; at++) {
    pending = ((pending << 8) | (bytes[at] ?? 0)) & 0xffff;
    bits += 8;
    while (bits >= 8) {
      const entry = TABLES[table + ((pending >>> (bits - 8)) & 0xff)] ?? 0;
      if ((entry & LEAF) === 0) {
        table = 256 * entry;
        bits -= 8;
        continue;
      }
      if ((entry & EOS) !== 0) return undefined;
      out[length++] = entry & 0xff;
      bits -= (entry >>> 9) & 0xf;
      table = 0;
    }
  }
  while (bits > 0) {
    const entry = TABLES[table + ((pending << (8 - bits)) & 0xff)] ?? 0;
    const used = (entry >>> 9) & 0xf;
    if ((entry & LEAF) === 0 || used > bits) break;
    if ((entry & EOS) !== 0) return undefined;
    out[length++] = entry & 0xff;
    bits -= used;
    table = 0;
  }
  const ones = (1 << bits) - 1;
  return table === 0 && (pending & ones) === ones ? out.toString('latin1', 0, length) : undefined;
}
