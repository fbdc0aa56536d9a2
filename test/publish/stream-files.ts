import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NatsServer } from '../helpers/nats-server.ts';
import { type Received, STREAM } from './world.ts';

/** A message as one server has it, whatever the others of its cluster have. */
export interface Held extends Received {
  /** Its number in the stream. */
  readonly sequence: number;
}

/** Length, sequence, time and length of the subject: what a message begins with. */
const HEAD_BYTES = 22;
const CHECKSUM_BYTES = 8;
const HAS_HEADERS = 0x8000_0000;
/** Set in the sequence of what was erased. */
const FLAGS = 0xc0n << 56n;

/**
 * What the files of a server that was stopped hold of the stream, in its order: blocks of messages, one after the other,
 * as nats-server 2.9 to 2.15 write them. A consumer would read from whichever server of a cluster serves it.
 */
export function heldBy(server: NatsServer): readonly Held[] {
  const directory = join(server.directory, 'jetstream/jetstream/$G/streams', STREAM, 'msgs');
  const blocks = readdirSync(directory).filter((name) => name.endsWith('.blk'));
  const numbered = blocks.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  return numbered.flatMap((name) => [...messagesOf(readFileSync(join(directory, name)))]);
}

function* messagesOf(block: Buffer): Generator<Held> {
  for (let at = 0; at < block.length; ) {
    const marked = block.readUInt32LE(at);
    const hasHeaders = marked >= HAS_HEADERS;
    const length = hasHeaders ? marked - HAS_HEADERS : marked;
    if (length < HEAD_BYTES + CHECKSUM_BYTES || at + length > block.length) throw new Error(`no message at ${at}`);
    const sequence = block.readBigUInt64LE(at + 4);
    const subjectEnd = at + HEAD_BYTES + block.readUInt16LE(at + 20);
    const headersStart = subjectEnd + (hasHeaders ? 4 : 0);
    const headersEnd = headersStart + (hasHeaders ? block.readUInt32LE(subjectEnd) : 0);
    const headers = headersOf(block.toString('latin1', headersStart, headersEnd));
    const held: Held = {
      ...{ headers, sequence: Number(sequence), subject: block.toString('utf8', at + HEAD_BYTES, subjectEnd) },
      ...{ body: block.toString('utf8', headersEnd, at + length - CHECKSUM_BYTES), id: headers['Nats-Msg-Id'] ?? '' },
      seq: Number(headers['Siderolink-Seq']),
    };
    if ((sequence & FLAGS) === 0n) yield held;
    at += length;
  }
}

function headersOf(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\r\n').slice(1).filter(Boolean);
  return Object.fromEntries(lines.map((line) => line.split(': ', 2) as [string, string]));
}
