import { once } from 'node:events';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import type { RepublishProgress } from '../../src/client/api.ts';
import { ControlClient } from '../../src/client/client.ts';
import type { RepublishQuery, RepublishSource } from '../../src/control/types.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ctlHere } from '../cli/harness.ts';
import { NOW, uuidOf } from './fakes.ts';
import { type Harness, startControl } from './harness.ts';

const after = (published: number, problem: string | null = null): RepublishProgress => {
  return { published, duplicates: 1, through: published * 10, problem };
};

/** What is asked of it, and answers from a list; an error of the list is thrown. */
function source(...items: readonly (RepublishProgress | Error)[]) {
  const asked: RepublishQuery[] = [];
  const republisher: RepublishSource = {
    async *run(query) {
      asked.push(query);
      for (const item of items) {
        if (item instanceof Error) throw item;
        yield item;
      }
    },
  };
  return { asked, republisher };
}

function started(republisher: RepublishSource | undefined): Promise<Harness> {
  return startControl({}, undefined, { republisher });
}

const body = { filter: ['siderolink.acme.>'] };

test('tells how far it is, a line each, and the total', async () => {
  const { asked, republisher } = source(after(1), after(2, 'not connected'), after(3));
  await using control = await started(republisher);
  control.machines.add({ id: 7 });
  const wanted = { ...body, machine: uuidOf(7), after: 5, before: 50, since: '1h', until: '2026-11-21T11:30:00Z' };
  const { status, headers, text } = await control.call('POST', '/v1/republish', { body: wanted });
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^application\/x-ndjson/);
  const lines = text.split('\n').map((line) => (line === '' ? '' : JSON.parse(line)));
  expect(lines).toEqual([after(1), after(2, 'not connected'), after(3), { done: true, ...after(3) }, '']);
  const bounds = { after: 5, before: 50, since: NOW - 3_600_000, until: NOW - 1_800_000 };
  expect(asked).toEqual([{ filters: body.filter, machine: 7, ...bounds }]);
  expect(control.logged.join('')).toMatch(/"by":"control socket","published":3,.*"msg":"records republished"/);
});

test('says which field of the body names no moment', async () => {
  await using control = await started(source(after(1)).republisher);
  for (const name of ['since', 'until']) {
    const { json } = await control.call('POST', '/v1/republish', { body: { ...body, [name]: '2x' } });
    expect(json).toMatchObject({ code: 'invalid_argument', detail: expect.stringMatching(`^body.${name}: neither`) });
  }
});

test('what is wrong from the beginning is a problem, and what is wrong later the last line', async () => {
  const busy = new SiderolinkError('conflict', 'another one');
  await using taken = await started(source(busy).republisher);
  expect(await taken.call('POST', '/v1/republish', { body })).toMatchObject({
    status: 409,
    json: { code: 'conflict' },
  });

  const refused = new SiderolinkError('unavailable', 'not connected to NATS: connection refused');
  await using apart = await started(source(refused).republisher);
  expect(await apart.call('POST', '/v1/republish', { body })).toMatchObject({
    status: 503,
    json: { code: 'unavailable', detail: 'not connected to NATS: connection refused' },
  });

  const broken = new SiderolinkError('storage', 'a bad disk');
  await using control = await started(source(after(1), broken).republisher);
  const { text } = await control.call('POST', '/v1/republish', { body });
  const last = JSON.parse(text.trim().split('\n').at(-1) ?? '');
  expect(last).toEqual({ error: { code: 'storage', detail: 'a bad disk' }, ...after(1) });
  const client = new ControlClient({ target: { socket: control.socket } }, { clock: systemClock });
  const seen: RepublishProgress[] = [];
  const reading = (async () => {
    for await (const item of client.republish(body)) seen.push(item);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'storage', message: 'a bad disk' });
  expect(seen).toEqual([after(1)]);

  await using none = await started(undefined);
  const refusal = await none.call('POST', '/v1/republish', { body });
  expect(refusal).toMatchObject({ status: 409, json: { code: 'conflict', detail: /publish\.nats\.servers/ } });
});

test.each([
  ['no filter', { since: '1h' }, 'body.filter'],
  ['an empty list of them', { filter: [] }, 'body.filter'],
  ['a broken filter', { filter: ['a..b'] }, 'body.filter.0'],
  ['an unknown field', { ...body, grep: 'x' }, 'body.grep'],
  ['a range that ends before it begins', { ...body, after: 9, before: 9 }, 'body.before'],
  ['a time that is none', { ...body, since: 'noon' }, 'since'],
])('refuses %s', async (_, wrong, field) => {
  const { asked, republisher } = source(after(1));
  await using control = await started(republisher);
  const { status, json } = await control.call('POST', '/v1/republish', { body: wrong });
  expect(status).toBe(400);
  expect(json.detail).toContain(field);
  expect(asked).toEqual([]);
});

test('ends when the caller hangs up', async () => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const republisher: RepublishSource = {
    async *run(_query, signal) {
      yield after(1);
      await once(signal, 'abort');
      resolve();
      throw new SiderolinkError('unavailable', 'given up');
    },
  };
  await using control = await started(republisher);
  const call = request({
    ...{ socketPath: control.socket, method: 'POST', path: '/v1/republish' },
    headers: { 'content-type': 'application/json' },
  });
  call.on('error', () => undefined).end(JSON.stringify(body));
  const [response] = await once(call, 'response');
  await once(response, 'data');
  call.destroy();
  await ended;
});

test('siderolinkctl shows progress at a terminal, the total, and where an interrupted one goes on', async () => {
  const good = source(after(1), after(2, 'not connected to NATS: refused'), after(3));
  await using control = await started(good.republisher);
  control.machines.add({ id: 7 });
  const done = await ctlHere(control.socket, [
    'republish',
    'siderolink.acme.>',
    '--since',
    '2h',
    '--machine',
    uuidOf(7),
  ]);
  const total = '3 records republished, through seq 30; 1 of them the stream had already, and dropped\n';
  expect(done).toMatchObject({ code: 0, out: total, err: '' });
  expect(good.asked).toMatchObject([{ filters: ['siderolink.acme.>'], machine: 7, since: NOW - 7_200_000 }]);
  const seen = await ctlHere(control.socket, ['republish', '--after', '4'], { tty: true });
  expect(seen.err).toContain('\r\x1b[K2 records republished, through seq 20; waiting: not connected to NATS: refused');
  expect(good.asked.at(-1)).toEqual({ filters: ['>'], after: 4 });
  const json = await ctlHere(control.socket, ['republish', '>', '-o', 'json']);
  expect(JSON.parse(json.out)).toEqual({ published: 3, duplicates: 1, through: 30 });

  expect(await ctlHere(control.socket, ['republish'])).toMatchObject({ code: 2, err: /say which records/ });
  await using broken = await started(source(after(2), new SiderolinkError('unavailable', 'gone')).republisher);
  const ended = await ctlHere(broken.socket, ['republish', '>']);
  expect(ended.code).toBe(69);
  expect(ended.err).toMatch(/^2 records republished, through seq 20; .*go on with --after 20\nsiderolinkctl: gone\n$/);
});
