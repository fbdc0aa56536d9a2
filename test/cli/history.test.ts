import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { History } from '../../src/cli/history.ts';
import { holdsText, rawPart, valuesOf } from '../../src/cli/matching.ts';
import { ControlClient } from '../../src/client/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { uuidOf } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';

let control: Harness | undefined;
afterEach(async () => {
  await control?.[Symbol.asyncDispose]();
  control = undefined;
});

/** So many lines of each machine, in turns. */
async function fleet(machines: number, lines: number) {
  control = await startControl();
  const ids = Array.from({ length: machines }, (_, index) => index + 1);
  control.machines.add(...ids.map((id) => ({ id })));
  for (let number = 0; number < lines; number += 1) {
    for (const id of ids) {
      const body = { msg: `line ${number} of ${id}`, number };
      control.log.append({ subject: `siderolink._.${uuidOf(id)}.kmsg.info`, machine: id, body });
    }
  }
  const client = new ControlClient({ target: { socket: control.socket } }, { clock: systemClock });
  return { ids, client, head: control.log.head };
}

describe.each([
  ['each machine by itself', 3, 8],
  ['all machines at once', 3, 1],
])('%s', (_, machines, maxMerged) => {
  const reading = (ids: readonly number[], head: number) => ({
    prefix: 'siderolink',
    machines: ids.map(uuidOf),
    rests: ['kmsg.*'],
    head,
    grep: '',
    accepts: () => true,
  });

  it('gives what is accepted in the order of receipt, over several pages', async () => {
    const { ids, client, head } = await fleet(machines, 120);
    const history = new History(client, { maxMerged, pageRecords: 10 });
    const seqs: number[] = [];
    for await (const { record } of history.read(reading(ids, head))) seqs.push(record.seq);
    expect(seqs).toEqual(Array.from({ length: machines * 120 }, (_, index) => index + 1));
  });

  it('ends at the record that it was to end at, whatever came since', async () => {
    const { ids, client } = await fleet(machines, 2);
    const history = new History(client, { maxMerged });
    const seqs: number[] = [];
    for await (const { record } of history.read(reading(ids, 4))) seqs.push(record.seq);
    expect(seqs).toEqual([1, 2, 3, 4]);
  });

  it('looks for the last as far back as it must', async () => {
    const { client, head } = await fleet(machines, 400);
    const history = new History(client, { maxMerged, pageRecords: 50 });
    const accepts = ({ body }: { body: Record<string, unknown> }) => Number(body['number']) % 100 === 7;
    const found: unknown[] = [];
    // Two of the three machines: of the third nothing is wanted.
    for await (const { record } of history.read({ ...reading([1, 3], head), tail: 5, accepts })) {
      found.push(record.body['msg']);
    }
    expect(found).toEqual(['line 107 of 3', 'line 207 of 1', 'line 207 of 3', 'line 307 of 1', 'line 307 of 3']);
  });

  it('gives all there is, where that is less than wanted', async () => {
    const { ids, client, head } = await fleet(machines, 2);
    let count = 0;
    for await (const _ of new History(client, { maxMerged }).read({ ...reading(ids, head), tail: 50 })) count += 1;
    expect(count).toBe(machines * 2);
  });
});

it('a page that has come is given, whatever happens to the daemon while somebody reads it', async () => {
  const { client } = await fleet(1, 0);
  const msg = 'x'.repeat(200_000);
  for (let number = 0; number < 20; number += 1) {
    control?.log.append({ subject: `siderolink._.${uuidOf(1)}.kmsg.info`, machine: 1, body: { msg } });
  }
  const records = client.allRecords({ limit: 10 });
  expect((await records.next()).value?.record.seq).toBe(1);
  await control?.server.stop(0);
  for (let seq = 2; seq <= 10; seq += 1) expect((await records.next()).value?.record.seq).toBe(seq);
  await expect(records.next()).rejects.toMatchObject({ code: 'unavailable' });
});

describe('what is asked of the API for a text', () => {
  /** As Go writes JSON, which is what is stored. */
  const goJson = (text: string) =>
    JSON.stringify(text).replaceAll(
      /[<>&\u2028\u2029]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );

  it('is in the JSON of every text that holds it', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab <>&"\\\n\u2028é漢/') });
    fc.assert(
      fc.property(text, text, text, (before, wanted, after) => {
        expect(goJson(before + wanted + after)).toContain(rawPart(wanted));
        expect(holdsText(before + wanted + after, wanted.toLowerCase())).toBe(true);
      }),
    );
  });

  it('is the longest part that is written as it is', () => {
    expect(rawPart('a <install> "b"')).toBe('install');
    expect(rawPart('<>')).toBe('');
    expect(rawPart('x'.repeat(300))).toHaveLength(256);
  });

  it('is looked for in values, not in names', () => {
    expect(valuesOf({ stage: 'RUNNING', health: { last: ['x', 3] }, none: null })).toEqual(['RUNNING', 'x', 3, null]);
  });
});
