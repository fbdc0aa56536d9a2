import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LEAST_MESSAGE_BYTES, messageOf } from '../../src/publish/message.ts';
import type { Answer, Wire } from '../../src/publish/wire.ts';

export interface Heard {
  readonly lane: number;
  readonly seq: number;
  readonly answer: Answer;
}

/** A broker with a stream, and what is heard on the last connection to it. */
export interface WireWorld {
  /** A new connection; those before it hear nothing any more. */
  connect(): Promise<Wire>;
  readonly heard: readonly Heard[];
  /** What was sent has arrived, and what was answered was heard. */
  arrive(): Promise<void>;
  /** The stream takes no more than it has, or is gone. */
  become(what: 'full' | 'gone' | 'well'): Promise<void>;
  /** The stream forgets its last messages. */
  loseAll(): Promise<void>;
  /** The connection ends. */
  end(): Promise<void>;
  dispose(): Promise<void>;
}

const OPTIONS = { idPrefix: '0123abcd', stream: 'SIDEROLINK' };

function messageFor(seq: number) {
  const subject = 'siderolink.acme.00000000-0000-4000-8000-000000000001.kmsg.info';
  const receivedAt = '2026-01-01T00:00:00.000Z';
  const body = `{"msg":"ä ${seq}"}`;
  return messageOf({ seq, subject, receivedAt, body, machine: 'm', boot: '1' }, LEAST_MESSAGE_BYTES, OPTIONS);
}

/** What lanes rely on, of whatever takes their messages. */
export function describeWire(name: string, make: () => Promise<WireWorld>): void {
  describe(`${name} as a wire`, () => {
    let world: WireWorld;
    let wire: Wire;
    beforeEach(async () => {
      world = await make();
      wire = await world.connect();
    });
    afterEach(() => world.dispose());

    const send = async (...seqs: readonly number[]) => {
      for (const seq of seqs) wire.send(seq % 512, seq, messageFor(seq));
      await world.arrive();
    };

    it('takes a marker at least', () => {
      expect(wire.maxBytes).toBeGreaterThanOrEqual(LEAST_MESSAGE_BYTES);
    });

    it('answers each message by lane and seq, and numbers them as they came', async () => {
      await send(7, 300, 2 ** 40);
      expect(world.heard).toEqual([
        { lane: 7, seq: 7, answer: { stored: true, duplicate: false, sequence: 1 } },
        { lane: 300, seq: 300, answer: { stored: true, duplicate: false, sequence: 2 } },
        { lane: 2 ** 40 % 512, seq: 2 ** 40, answer: { stored: true, duplicate: false, sequence: 3 } },
      ]);
    });

    it('answers a repeat with the number that the first try got, also on another connection', async () => {
      await send(1, 2);
      await send(1);
      wire = await world.connect();
      await send(2, 3);
      const sequences = world.heard.map(({ seq, answer }) => answer.stored && [seq, answer.duplicate, answer.sequence]);
      expect(sequences.slice(-3)).toEqual([
        [1, true, 1],
        [2, true, 2],
        [3, false, 3],
      ]);
    });

    it('is not heard on a connection that came after it', async () => {
      const former = wire;
      wire = await world.connect();
      former.send(1, 1, messageFor(1));
      await send(2);
      expect(world.heard.map(({ seq }) => seq)).toEqual([2]);
    });

    it('throws nothing once it has ended', async () => {
      await world.end();
      expect(() => wire.send(1, 1, messageFor(1))).not.toThrow();
    });

    it('says why it does not store a message, and stores it when that is mended', async () => {
      await send(1);
      for (const [state, reason] of [
        ['full', 'full'],
        ['gone', 'no_stream'],
      ] as const) {
        await world.become(state);
        await send(2);
        expect(world.heard.at(-1)).toMatchObject({ lane: 2, seq: 2, answer: { stored: false, reason } });
      }
      await world.become('well');
      await send(2);
      expect(world.heard.at(-1)).toMatchObject({ seq: 2, answer: { stored: true, duplicate: false } });
    });

    it('gives numbers again that it has lost, and knows no ids of what it lost', async () => {
      await send(1, 2);
      await world.loseAll();
      wire = await world.connect();
      await send(2);
      expect(world.heard.at(-1)).toMatchObject({ seq: 2, answer: { stored: true, duplicate: false, sequence: 1 } });
    });
  });
}
