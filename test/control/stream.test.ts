import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NOW, uuidOf } from './fakes.ts';
import { type Harness, readUntil, startControl } from './harness.ts';

let control: Harness;
beforeEach(async () => {
  control = await startControl({ maxStreams: 3, stallMs: 50 });
  control.machines.add({ id: 1 }, { id: 2 });
});
afterEach(() => control[Symbol.asyncDispose]());

const NDJSON = { accept: 'application/x-ndjson' };

function append(count: number, detail = 'kmsg.info', extra: Record<string, unknown> = {}): number {
  for (let n = 0; n < count; n += 1) {
    const machine = (control.log.head % 2) + 1;
    const body = { msg: `line ${control.log.head + 1}\n`, ...extra };
    control.log.append({ subject: `siderolink._.${uuidOf(machine)}.${detail}`, machine, body });
  }
  return control.log.head;
}

/** What an EventSource makes of the text: events, and the id it would resume with. */
function parseEvents(text: string): { events: { seq: number }[]; lastId: string } {
  const events: { seq: number }[] = [];
  let lastId = '';
  for (const block of text.split(/(?:\r\n|\r|\n)(?:\r\n|\r|\n)/).filter(Boolean)) {
    const fields = block.split(/\r\n|\r|\n/).map((line) => line.split(/: (.*)/s));
    const of = (name: string) => fields.filter(([field]) => field === name).map(([, value]) => value ?? '');
    lastId = of('id').at(-1) ?? lastId;
    if (of('data').length > 0) events.push(JSON.parse(of('data').join('\n')));
  }
  return { events, lastId };
}

const seqs = (values: { seq: number }[]) => values.map(({ seq }) => seq);
const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('server-sent events', () => {
  it('carry the envelope under its seq, and what is committed later', async () => {
    append(2);
    const response = await control.open('/v1/stream?after=0');
    expect(response.headers['content-type']).toMatch(/^text\/event-stream/);
    await readUntil(response, (text) => text.includes('id: 2\n'));
    append(1);
    const { events, lastId } = parseEvents(await readUntil(response, (text) => text.includes('id: 3\n')));
    expect(events).toMatchObject([
      { seq: 3, subject: expect.stringContaining('kmsg.info'), body: { msg: 'line 3\n' } },
    ]);
    expect(lastId).toBe('3');
    response.destroy();
  });

  it('resume after Last-Event-ID, whatever the query says', async () => {
    append(5);
    const response = await control.open('/v1/stream?after=0', { 'last-event-id': '3' });
    const { events } = parseEvents(await readUntil(response, (text) => text.includes('id: 5\n')));
    expect(seqs(events)).toEqual([4, 5]);
    response.destroy();
  });

  it('refuse a place that they have not come to: it is of another store, and what comes before it would be lost', async () => {
    append(4);
    for (const [path, headers] of [
      ['/v1/stream?after=5', {}],
      ['/v1/stream', { 'last-event-id': '1000000000000' }],
    ] as const) {
      const { status, json } = await control.call('GET', path, { headers });
      expect([status, json.code]).toEqual([409, 'conflict']);
      expect(json.detail).toMatch(/has not come to \d+: its newest record is 4$/);
    }
    const response = await control.open('/v1/stream?after=4');
    append(1);
    expect(seqs(parseEvents(await readUntil(response, (text) => text.includes('id: 5\n'))).events)).toEqual([5]);
    response.destroy();
  });

  it('begin now, and say where that is: a reader that breaks off before its first record misses nothing', async () => {
    append(4);
    const first = await control.open('/v1/stream');
    const { events, lastId } = parseEvents(await readUntil(first, (text) => text.includes('\n\n')));
    expect([events, lastId]).toEqual([[], '4']);
    first.destroy();
    append(2);
    const second = await control.open('/v1/stream', { 'last-event-id': lastId });
    expect(seqs(parseEvents(await readUntil(second, (text) => text.includes('id: 6\n'))).events)).toEqual([5, 6]);
    second.destroy();
  });

  it('tell a narrow filter its position with an id and no data', async () => {
    append(3);
    const response = await control.open('/v1/stream?after=0&filter=siderolink.*.*.event.>');
    const text = await readUntil(response, (soFar) => soFar.includes('id: 3\n'));
    expect(parseEvents(text)).toEqual({ events: [], lastId: '3' });
    response.destroy();
  });

  it('are not broken by a carriage return between the tokens of a line', async () => {
    control.log.rendered = (json) => json.replace('{', '{\r"x":0,\r"y":0,');
    append(1);
    const response = await control.open('/v1/stream?after=0');
    const text = await readUntil(response, (soFar) => soFar.includes('\n\n'));
    expect(text).not.toContain('\r');
    expect(parseEvents(text).events).toMatchObject([{ seq: 1, x: 0, y: 0 }]);
    response.destroy();
  });
});

describe('NDJSON', () => {
  it('carries envelopes and positions, one a line', async () => {
    append(2);
    const response = await control.open('/v1/stream?after=0', NDJSON);
    expect(response.headers['content-type']).toMatch(/^application\/x-ndjson/);
    expect(seqs(lines(await readUntil(response, (text) => text.includes('line 2'))))).toEqual([1, 2]);
    response.destroy();
    const narrow = await control.open('/v1/stream?after=0&filter=a.>', NDJSON);
    expect(lines(await readUntil(narrow, (text) => text.includes('\n')))).toEqual([{ position: 2 }]);
    narrow.destroy();
  });

  it.each([
    ['tail=2', [4, 5]],
    ['tail=2&filter=*.*.*.kmsg.error', [3]],
    ['since=90s', [4, 5]],
    ['since=2026-11-21T11:59:30Z', [5]],
    [`after=1&machine=${uuidOf(1)}`, [3, 5]],
    ['after=0&filter=*.*.*.kmsg.error&filter=siderolink.>', [1, 2, 3, 4, 5]],
  ])('with %s begins there and goes on', async (query, expected) => {
    for (let n = 1; n <= 5; n += 1) {
      const machine = ((n - 1) % 2) + 1;
      const subject = `siderolink._.${uuidOf(machine)}.kmsg.${n === 3 ? 'error' : 'info'}`;
      control.log.append({ subject, machine, receivedAt: NOW - (5 - n) * 60_000, body: {} });
    }
    const response = await control.open(`/v1/stream?${query}`, NDJSON);
    const body = { last: true };
    control.log.append({ subject: `siderolink._.${uuidOf(1)}.kmsg.error`, machine: 1, body });
    const all = lines(await readUntil(response, (text) => text.includes('"last"')));
    expect(seqs(all.filter((line) => 'seq' in line))).toEqual([...expected, 6]);
    response.destroy();
  });
});

describe('readers', () => {
  it('that go away leave no follower behind', async () => {
    const response = await control.open('/v1/stream?after=0');
    await control.log.untilFollowing(1);
    response.destroy();
    await control.log.untilFollowing(0);
    expect(await control.metrics.getSingleMetricAsString('siderolinkd_control_stream_ends_total')).toContain(
      'reason="client"} 1',
    );
  });

  it('that are slow set the pace and lose nothing', async () => {
    // This process reads too: on a busy host it may take nothing for longer than the others of this file may.
    await control[Symbol.asyncDispose]();
    control = await startControl({ stallMs: 60_000 });
    control.machines.add({ id: 1 }, { id: 2 });
    const total = append(3_000, 'kmsg.info', { pad: 'x'.repeat(4_000) });
    const response = await control.open('/v1/stream?after=0', NDJSON);
    let expected = 1;
    const text = await readUntil(response, (soFar) => soFar.endsWith('\n') && soFar.includes(`"seq":${total},`));
    for (const line of lines(text)) expect(line.seq).toBe(expected++);
    expect(expected).toBe(total + 1);
    response.destroy();
  });

  it('that take nothing with 4 MiB waiting are closed, and others go on', async () => {
    const stuck = connect({ path: control.socket });
    stuck.pause();
    stuck.write('GET /v1/stream?after=0 HTTP/1.1\r\nHost: x\r\n\r\n');
    const other = await control.open('/v1/stream?after=0&filter=*.*.*.event.*', NDJSON);
    await control.log.untilFollowing(2);
    append(3_000, 'kmsg.info', { pad: 'x'.repeat(4_000) });
    await control.log.untilFollowing(1);
    expect(await control.metrics.getSingleMetricAsString('siderolinkd_control_stream_ends_total')).toContain(
      'reason="slow"} 1',
    );
    append(1, 'event.AddressEvent');
    await readUntil(other, (text) => text.includes('AddressEvent'));
    stuck.destroy();
    other.destroy();
  });

  it('are at most so many; one that leaves makes room', async () => {
    const open = await Promise.all([1, 2, 3].map(() => control.open('/v1/stream?after=0')));
    const refused = await control.call('GET', '/v1/stream');
    expect([refused.status, refused.json.code]).toEqual([429, 'exhausted']);
    open[0]?.destroy();
    await control.log.untilFollowing(2);
    const again = await control.open('/v1/stream?after=0');
    expect(again.statusCode).toBe(200);
    for (const response of [...open, again]) response.destroy();
  });

  it('see a clean end when the server stops', async () => {
    append(1);
    const response = await control.open('/v1/stream?after=0', NDJSON);
    await readUntil(response, (text) => text.includes('line 1'));
    const ended = readUntil(response, () => false);
    await control.server.stop(5_000);
    expect(await ended).toBe('');
    expect(response.complete).toBe(true);
    expect(control.log.following).toBe(0);
  });

  it('that never read do not hold up the stop beyond its deadline', async () => {
    append(1_000, 'kmsg.info', { pad: 'x'.repeat(4_000) });
    const stuck = connect({ path: control.socket });
    stuck.pause();
    stuck.write('GET /v1/stream?after=0 HTTP/1.1\r\nHost: x\r\n\r\n');
    await control.log.untilFollowing(1);
    await control.server.stop(100);
    await expect(control.call('GET', '/v1/status')).rejects.toThrow(/ENOENT/);
    stuck.destroy();
  });

  it('of a log that fails are cut off and told nothing', async () => {
    control.log.failFollow = new Error('/var/lib/secret place broke');
    const response = await control.open('/v1/stream?after=0');
    await expect(readUntil(response, () => false)).rejects.toThrow(/aborted/);
    expect(control.logged.join('')).toContain('secret place');
    expect((await control.call('GET', '/v1/status')).status).toBe(200);
  });
});
