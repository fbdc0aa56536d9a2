import { namesText } from '../domain/chunk.ts';
import type { NewRecord } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import { batchLength, type ChunkBatch, encodeBatch, field, setField } from '../store/batch.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { LogIntake, PendingChunk } from './log-intake.ts';
import { type ChunkFacts, MemoryChunk } from './memory-chunk.ts';
import type { Change, LogSource } from './types.ts';

/** More kinds of details than there are; a name table each is kept, so that filters may remember it. */
const MAX_KNOWN_DETAILS = 4096;

/** A change on its way. */
export interface PendingChange {
  readonly change: Change;
  /** When it was asked for, milliseconds since the epoch. */
  readonly time: number;
  readonly resolve: (seqs: readonly number[]) => void;
  readonly reject: (error: Error) => void;
}

/** Chunks as they are sent to the writer, with what followers need to know of them. */
export interface CommitPart {
  readonly facts: readonly ChunkFacts[];
  /** Replaced by the reply's: buffers are moved to the writer and back. */
  batch: ChunkBatch;
  /** Bytes of the body that are in use. */
  readonly bytes: number;
}

/** Log lines, encoded once: a part that could not be stored is sent again as it is. */
export interface LogPart extends CommitPart {
  /** The body of the batch. */
  readonly body: SharedArrayBuffer;
  readonly chunks: readonly PendingChunk[];
  readonly ops: readonly RegistryOp[];
}

/** Cuts pending lines and the checkpoints that belong to them. */
export function takeLogs(intake: LogIntake, pool: BufferPool, maxBytes: number): LogPart {
  const chunks = intake.take(maxBytes);
  const ops: RegistryOp[] = [];
  const sources = new Set<LogSource>();
  let bytes = 0;
  for (const { source, bytes: size, count } of chunks) {
    bytes += size + count;
    if (sources.has(source)) continue;
    sources.add(source);
    const op = source.checkpoint();
    if (op !== undefined) ops.push(op);
  }
  const heads = chunks.map(({ source, ...chunk }) => ({
    ...chunk,
    machine: source.machine,
    stream: source.stream,
    boot: source.boot,
    tags: source.tags.id,
    names: namesText(chunk.names),
  }));
  const body = pool.acquire(bytes);
  const batch = encodeBatch(heads, body, (index, target, offset) => {
    const chunk = chunks[index];
    if (chunk !== undefined) intake.copyOut(chunk, target, offset);
  });
  const facts = chunks.map(({ source, count, firstKseq, lastKseq, levels, names }) => {
    const { machine, stream, boot, tags } = source;
    return { count, machine, stream, boot, tags, firstKseq, lastKseq, levels, names };
  });
  return { chunks, ops, facts, batch, body, bytes };
}

const LINE_FEED = 0x0a;

/** Encodes the records of changes, a chunk each. */
export class ChangeEncoder {
  readonly #names = new Map<string, readonly string[]>();

  encode(changes: readonly PendingChange[]): CommitPart {
    const records = changes.flatMap(({ change, time }) => change.records.map((record) => ({ record, time })));
    const bodies = encodeBodies(records.map(({ record }) => record.body));
    // Each ends with a line feed, and has one byte for its detail.
    const bytes = bodies.reduce((sum, body) => sum + body.length + 2, 0);
    const facts = records.map(({ record }) => this.#facts(record));
    const heads = facts.map((fact, index) => ({
      ...fact,
      tags: fact.tags.id,
      time: records[index]?.time ?? 0,
      names: namesText(fact.names),
      bytes: (bodies[index]?.length ?? 0) + 1,
    }));
    const batch = encodeBatch(heads, new ArrayBuffer(bytes), (index, target, offset) => {
      const body = bodies[index];
      if (body === undefined) return;
      target.set(body, offset);
      target[offset + body.length] = LINE_FEED;
    });
    return { facts, batch, bytes };
  }

  #facts({ machine, stream, boot, tags, detail }: NewRecord): ChunkFacts {
    const kseqs = { firstKseq: null, lastKseq: null };
    return { count: 1, machine, stream, boot, tags, ...kseqs, levels: 0, names: this.#namesOf(detail) };
  }

  #namesOf(detail: string): readonly string[] {
    let names = this.#names.get(detail);
    if (names === undefined) {
      if (this.#names.size >= MAX_KNOWN_DETAILS) this.#names.clear();
      names = [detail];
      this.#names.set(detail, names);
    }
    return names;
  }
}

/** Records of one change often say the same: a machine that is new and accepted at once. */
function encodeBodies(texts: readonly string[]): readonly Uint8Array[] {
  let last = '';
  let encoded: Uint8Array = Buffer.from(last);
  return texts.map((text) => {
    if (text !== last) {
      encoded = Buffer.from(text);
      last = text;
    }
    return encoded;
  });
}

/** Makes times of a batch never go back behind `floor`; returns the last one. */
export function orderTimes(batch: ChunkBatch, floor: number): number {
  let last = floor;
  for (let chunk = 0; chunk < batchLength(batch); chunk++) {
    last = Math.max(last, field(batch, chunk, 'time'));
    setField(batch, chunk, 'time', last);
  }
  return last;
}

/** The chunks of a part that were stored, over `body`. */
export function storedChunks(prefix: string, part: CommitPart, body: ChunkBatch['body']): MemoryChunk[] {
  const chunks: MemoryChunk[] = [];
  for (const [index, facts] of part.facts.entries()) {
    const firstSeq = field(part.batch, index, 'firstSeq');
    if (Number.isNaN(firstSeq)) continue;
    const offset = field(part.batch, index, 'offset');
    const bytes = field(part.batch, index, 'bytes');
    const payload = new Uint8Array(body, offset, bytes);
    const details = new Uint8Array(body, offset + bytes, facts.count);
    chunks.push(new MemoryChunk(prefix, facts, { firstSeq, time: field(part.batch, index, 'time'), details, payload }));
  }
  return chunks;
}

/** Nothing to commit. */
export function noChunks(): ChunkBatch {
  return encodeBatch([], new ArrayBuffer(0), () => {});
}
