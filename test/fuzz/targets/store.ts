import { zstdCompressSync } from 'node:zlib';
import type { Database } from 'better-sqlite3';
import { LEVELS } from '../../../src/domain/record.ts';
import { ChunkTable } from '../../../src/store/chunk-table.ts';
import { openWriter } from '../../../src/store/database.ts';
import { Packer } from '../../../src/store/packer.ts';
import { PageReader } from '../../../src/store/page-reader.ts';
import { SegmentTable } from '../../../src/store/segment-table.ts';
import { insertChunk } from '../../store/paper-store.ts';
import { linesOf, uuidOf } from '../../stream/harness.ts';
import type { Dice } from '../dice.ts';
import { must, type Target } from '../fuzzer.ts';

const MACHINES = 3;
const CHUNKS = 12;
const LINES = 5;
const RECORDS = CHUNKS * LINES;

/** What of a store can be damaged, each with where it is. */
const PLACES: readonly [Place, ...Place[]] = [
  { table: 'block', column: 'data' },
  { table: 'extent', column: 'runs' },
  { table: 'log_chunk', column: 'payload' },
  { table: 'log_chunk', column: 'details' },
];

interface Place {
  readonly table: string;
  readonly column: string;
}

/** A store in memory: half of its chunks packed, half not. */
function makeStore(): Database {
  const db = openWriter(':memory:', 0);
  const table = new ChunkTable(db);
  for (let machine = 1; machine <= MACHINES; machine += 1) {
    db.prepare('insert into tags (id, server_uuid) values (?, ?)').run(machine, uuidOf(machine));
  }
  for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
    const machine = 1 + (chunk % MACHINES);
    const firstSeq = 1 + chunk * LINES;
    const { payload, details, levels } = linesOf(Array.from({ length: LINES }, (_, i) => `line ${firstSeq + i}`));
    const names = chunk % 2 === 0 ? '' : LEVELS.toReversed().join('\n');
    insertChunk(table, firstSeq, {
      ...{ count: LINES, machine, stream: 'kmsg', boot: 1, tags: machine, time: 1_000 + chunk },
      ...{ levels, names, details, payload },
    });
  }
  db.prepare('update log_state set next_seq = ?').run(RECORDS + 1);
  const segments = new SegmentTable(db);
  const packed = new Packer(db).pack({ series: 'logs', maxRecords: RECORDS / 2, maxBytes: 1e6 });
  must(packed !== null, 'half of it is packed');
  segments.begin(packed);
  while (segments.insertSlice(100, 1e6));
  db.prepare('delete from log_chunk where first_seq <= ?').run(packed.lastSeq);
  return db;
}

function blobs(db: Database, { table, column }: Place): Buffer[] {
  return db.prepare(`select ${column} from ${table}`).pluck().all() as Buffer[];
}

const openStores: Database[] = [];
const MAX_OPEN_STORES = 16;

/**
 * A store with one blob that is not what was written: its first byte chooses which. Readers get the records of
 * all other places, no more than they asked for, and never the same place twice.
 */
export const damagedStores: Target = {
  name: 'damaged-stores',
  share: 12,
  words: ['\n', '\n\n', '\x28\xb5\x2f\xfd', '\0', '\xff\xff\xff\xff\xff\xff\xff\x7f', '\x80\x80\x80\x80\x10'],
  outcomes: ['read', 'skipped'],
  seeds: () => {
    const db = makeStore();
    const whole = PLACES.flatMap((place, kind) =>
      blobs(db, place).map((blob) => Buffer.concat([Buffer.of(kind), blob])),
    );
    db.close();
    // What unpacks to more than any block has.
    const bomb = zstdCompressSync(Buffer.alloc(96 * 1024 * 1024));
    return [...whole, Buffer.concat([Buffer.of(0), bomb])];
  },
  generate: (dice) => {
    const kind = dice.int(0, PLACES.length - 1);
    if (kind === 0) {
      const frame = zstdCompressSync(Buffer.from(blockText(dice)));
      // As a block in columns, and as one that is not.
      return Buffer.concat([Buffer.from(dice.chance(0.5) ? [0, 1] : [0]), frame]);
    }
    const huge = dice.list(8, () => dice.pick([1, 0x7f, 0x80, 0xff, 0xff, dice.int(0, 255)]));
    return Buffer.from([kind, ...huge]);
  },
  begin: () => {
    const db = makeStore();
    // Databases in memory are not left to the garbage collector; those of tries that are under way are still needed.
    openStores.push(db);
    if (openStores.length > MAX_OPEN_STORES) openStores.shift()?.close();
    return (input, dice) => {
      const place = PLACES[(input[0] ?? 0) % PLACES.length] ?? PLACES[0];
      db.exec('begin');
      try {
        damage(db, place, dice, input.subarray(1));
        const reader = new PageReader(db, { prefix: 'siderolink', pageMs: 10_000, cacheBytes: 1e6 });
        const backward = dice.chance(0.5);
        const request = {
          filters: dice.pick([[], ['*.*.*.kmsg.warn'], ['*.*.*.kmsg.nothing']]),
          machine: dice.pick([null, 1]),
          fromSeq: 1,
          toSeq: RECORDS,
          since: Number.NEGATIVE_INFINITY,
          until: Number.POSITIVE_INFINITY,
          backward,
          grep: dice.pick(['', 'nowhere']),
          maxRecords: 1_000,
          maxText: 1e6,
        };
        const page = reader.page(request);
        const seqs = [...page.seqs];
        must(seqs.length <= RECORDS && page.jsons.length === seqs.length, 'no more records than there are');
        const isOrdered = seqs.every(
          (seq, i) => i === 0 || (backward ? seq < (seqs[i - 1] ?? 0) : seq > (seqs[i - 1] ?? 0)),
        );
        must(isOrdered && seqs.every((seq) => seq >= 1 && seq <= RECORDS), 'each at its place');
        must(page.done, 'a damage ends no reading');
        return page.losses.length > 0 ? 'skipped' : 'read';
      } finally {
        db.exec('rollback');
      }
    };
  },
};

function damage(db: Database, { table, column }: Place, dice: Dice, blob: Buffer): void {
  const count = db.prepare(`select count(*) from ${table}`).pluck().get() as number;
  const key = table === 'extent' ? 'ordinal' : table === 'block' ? 'id' : 'first_seq';
  const row = db
    .prepare(`select ${key} from ${table} order by ${key} limit 1 offset ?`)
    .pluck()
    .get(dice.int(0, count - 1));
  db.prepare(`update ${table} set ${column} = ? where ${key} = ?`).run(blob, row);
}

/** Lines and details of a block that are not those of its extents. */
function blockText(dice: Dice): string {
  return dice
    .list(20, () => dice.pick(['{"msg":"x"}\n', '\n', '{', '\0\0\0', dice.text(9)]))
    .join('')
    .repeat(1 + dice.few(50));
}
