import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { LEVELS, type LogStream, type NewRecord, type Tags } from '../../src/domain/record.ts';
import { subjectHead, subjectOf } from '../../src/domain/subject.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openRecordLog, type RecordLogOptions, type StoredRecordLog } from '../../src/stream/record-log.ts';
import type { FollowItem, LogLines, LogSource, Query, RenderedRecord } from '../../src/stream/types.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';

const PREFIX = 'siderolink';
const encoder = new TextEncoder();

/** A directory for one test's store; `remove` deletes it. */
export function temporaryStore(): { readonly path: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-store-'));
  return { path: join(directory, 'store.db'), remove: () => rmSync(directory, { recursive: true }) };
}

export interface OpenLog {
  readonly log: StoredRecordLog;
  readonly health: Health;
}

export interface MeasuredLog extends OpenLog {
  /** All metrics, as text. */
  metrics(): Promise<string>;
}

export async function openLog(options: Omit<RecordLogOptions, 'prefix'>, clock = systemClock): Promise<MeasuredLog> {
  const health = new Health(() => clock.now());
  const logger = pino({ level: 'silent' });
  const metrics = createRegistry();
  const log = await openRecordLog({ prefix: PREFIX, ...options }, { clock, logger, health, metrics });
  return { log, health, metrics: () => metrics.metrics() };
}

export function uuidOf(machine: number) {
  return parseNodeUuid(`00000000-0000-4000-8000-${machine.toString(16).padStart(12, '0')}`);
}

export function tagsOf(machine: number, owner?: string): Tags {
  const id = owner === undefined ? machine : machine * 1000 + owner.length;
  return { id, server_uuid: uuidOf(machine), ownership: owner === undefined ? {} : { owner } };
}

export async function putTags(log: StoredRecordLog, tags: Tags): Promise<void> {
  const { id, server_uuid, ownership } = tags;
  if (server_uuid === '') return;
  await log.commit({ ops: [{ op: 'putTags', id, server_uuid, ownership }], records: [] });
}

export function sourceOf(machine: number, stream: LogStream = 'kmsg', boot = 1, tags = tagsOf(machine)): LogSource {
  return { machine, stream, boot, tags, checkpoint: () => undefined };
}

/** Lines with these messages; message i has level i modulo 5. */
export function linesOf(messages: readonly string[], names: readonly string[] = LEVELS): LogLines {
  const details = Uint8Array.from(messages, (_, i) => i % names.length);
  return {
    payload: encoder.encode(messages.map((msg) => `${JSON.stringify({ msg })}\n`).join('')),
    details,
    names,
    levels: details.reduce((mask, detail) => mask | (1 << (detail % LEVELS.length)), 0),
    firstKseq: null,
    lastKseq: null,
  };
}

export function eventOf(machine: number, detail: string, msg: string, tags = tagsOf(machine)): NewRecord {
  return { machine, stream: 'event', boot: 1, tags, detail, body: JSON.stringify({ msg }) };
}

/** What a record says, without what only the store knows. */
export interface Told {
  readonly subject: string;
  readonly msg: string;
}

export function toldOf(tags: Tags, stream: NewRecord['stream'], detail: string, msg: string): Told {
  return { subject: subjectOf(subjectHead(PREFIX, tags, stream), detail), msg };
}

export function parse({ json }: RenderedRecord): Told & { seq: number; received_at: string; boot: number } {
  const { body, ...rest } = JSON.parse(json);
  return { ...rest, msg: body.msg };
}

export async function readAll(
  log: StoredRecordLog,
  query: Partial<Query> = {},
  limit = 1000,
): Promise<RenderedRecord[]> {
  const records: RenderedRecord[] = [];
  for (let after = query.after ?? 0; ; ) {
    const page = await log.read({ filters: [], ...query, after, limit });
    records.push(...page.records);
    if (page.end) return records;
    after = page.next;
  }
}

/** The first `count` records of a follower, and the positions that it told. */
export async function take(items: AsyncIterable<FollowItem>, count: number): Promise<RenderedRecord[]> {
  const records: RenderedRecord[] = [];
  if (count === 0) return records;
  for await (const item of items) {
    if (item.type === 'records') records.push(...item.records);
    if (records.length >= count) break;
  }
  return records;
}
