import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/client/client.ts';
import type { StreamItem } from '../../src/client/stream.ts';
import { ApiError } from '../../src/client/transport.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { uuidOf } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('the client', () => {
  let control: Harness;
  let client: ControlClient;
  beforeAll(async () => {
    control = await startControl();
    control.machines.add(
      ...Array.from({ length: 7 }, (_, n) => ({ id: n + 1, ownership: { owner: n < 3 ? 'a' : 'b' } })),
    );
    client = new ControlClient({ target: { socket: control.socket } }, { clock: systemClock });
  });
  afterAll(() => control[Symbol.asyncDispose]());

  it('reads status, machines and a machine', async () => {
    expect((await client.status()).installation).toBe('0a1b2c3d');
    const machines = await collect(client.machines({ owner: 'b', state: ['accepted', 'pending'] }));
    expect(machines.map((machine) => machine.server_uuid)).toEqual([4, 5, 6, 7].map(uuidOf));
    expect((await client.machine(uuidOf(2))).hostname).toBe('node-2');
  });

  it('makes, lists, revokes and deletes tokens', async () => {
    const { secret, id } = await client.createToken({ name: 'n' });
    expect(secret).toMatch(/\./);
    expect((await client.tokens()).map((token) => token.id)).toContain(id);
    await expect(client.deleteToken(id)).rejects.toMatchObject({ code: 'conflict' });
    expect((await client.revokeToken(id)).state).toBe('revoked');
    await client.deleteToken(id);
    expect(await client.tokens()).toEqual([]);
  });

  it('asks for kernel arguments', async () => {
    expect((await client.kernelArgs({ token: 't' })).args[0]).toContain('jointoken=t');
  });

  it('reads records over pages, with the text of numbers that JavaScript cannot hold', async () => {
    control.log.rendered = (json) => json.replace('"BIG"', '12345678901234567890');
    for (let n = 0; n < 2_500; n += 1) {
      control.log.append({ subject: 'siderolink._._.kmsg.info', body: { n, big: 'BIG' } });
    }
    const all = await collect(client.allRecords({ filter: ['siderolink.>'] }));
    expect(all.map(({ record }) => record.body['n'])).toEqual([...Array(2_500).keys()]);
    expect(all[0]?.json).toContain('"big":12345678901234567890');
    const page = await client.records({ limit: 2, after: 5 });
    expect([page.records.length, page.next]).toEqual([2, 7]);
    const tail = await collect(client.allRecords({ tail: 3 }));
    expect(tail.map(({ record }) => record.seq)).toEqual([2_498, 2_499, 2_500]);
  });

  it('gives the errors of the API with their code and words', async () => {
    const error = await client.machine(uuidOf(99)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: 'not_found', status: 404, message: `there is no machine ${uuidOf(99)}` });
  });

  it('says what to do when nobody listens', async () => {
    const nobody = new ControlClient({ target: { socket: '/nonexistent/control.sock' } }, { clock: systemClock });
    await expect(nobody.status()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/nonexistent\/control\.sock.*systemctl start siderolinkd.*--socket/),
    });
    await expect(nobody.stream({}).next()).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a stream', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  /** A daemon of which each connection does what the script says. */
  async function scripted(...answers: ((request: IncomingMessage, response: ServerResponse) => void)[]) {
    const directory = await mkdtemp(join(tmpdir(), 'siderolink-client-'));
    const requests: IncomingMessage[] = [];
    const server = createServer((request, response) => {
      requests.push(request);
      answers.shift()?.(request, response);
    }).listen(join(directory, 's'));
    await once(server, 'listening');
    cleanups.push(async () => {
      server.closeAllConnections();
      server.close();
      await rm(directory, { recursive: true });
    });
    const sleeps: number[] = [];
    const clock: Clock = { ...systemClock, sleep: async (ms) => void sleeps.push(ms) };
    const client = new ControlClient({ target: { socket: join(directory, 's') } }, { clock });
    return { client, requests, sleeps };
  }

  const line = (seq: number) => `${JSON.stringify({ seq, subject: 's', received_at: '', boot: 1, body: {} })}\n`;
  const write =
    (...parts: string[]) =>
    (_: IncomingMessage, response: ServerResponse) => {
      for (const part of parts) response.write(part);
    };
  const writeAndBreak = (text: string) => (_: IncomingMessage, response: ServerResponse) => {
    response.write(text, () => setImmediate(() => response.destroy()));
  };
  const refuse = (status: number, code: string) => (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: 'about:blank', title: '', status, code, detail: 'no' }));
  };

  async function take(stream: AsyncGenerator<StreamItem>, count: number): Promise<StreamItem[]> {
    const items: StreamItem[] = [];
    for await (const item of stream) {
      items.push(item);
      if (items.length === count) break;
    }
    return items;
  }
  const brief = (items: StreamItem[]) => items.map((item) => ('seq' in item ? `${item.type} ${item.seq}` : item.type));

  it('resumes by id where a connection broke, without a hole or a repeat', async () => {
    const { client, requests, sleeps } = await scripted(
      writeAndBreak(`${line(1)}${line(2)}${line(3).slice(0, 9)}`),
      refuse(503, 'unavailable'),
      (_, response) => void response.end('{"position":7}\n'),
      write(line(8).slice(0, 4), line(8).slice(4)),
    );
    const items = await take(client.stream({ filter: ['a.>', 'b'] }, { tail: 2 }), 7);
    expect(brief(items)).toEqual([
      'record 1',
      'record 2',
      'interrupted',
      'interrupted',
      'position 7',
      'interrupted',
      'record 8',
    ]);
    expect(requests.map(({ url, headers }) => [url, headers['last-event-id']])).toEqual([
      ['/v1/stream?filter=a.%3E&filter=b&tail=2', undefined],
      ['/v1/stream?filter=a.%3E&filter=b', '2'],
      ['/v1/stream?filter=a.%3E&filter=b', '2'],
      ['/v1/stream?filter=a.%3E&filter=b', '7'],
    ]);
    // The pauses grow while nothing comes, and begin anew when something did.
    expect(sleeps).toEqual([250, 500, 250]);
  });

  it('gives up on a refusal that would come again', async () => {
    const { client } = await scripted(writeAndBreak(line(1)), refuse(404, 'not_found'));
    await expect(take(client.stream({}), 9)).rejects.toMatchObject({ code: 'not_found' });
  });

  it.each(['nonsense\n', '[]\n', '{"x":1}\n'])('refuses the line %j', async (text) => {
    const { client } = await scripted(write(text));
    await expect(take(client.stream({}), 1)).rejects.toMatchObject({ code: 'internal' });
  });

  it('ends when its signal aborts, and closes its connection', async () => {
    const { client, requests } = await scripted(write(line(1)));
    const abort = new AbortController();
    const stream = client.stream({}, {}, abort.signal);
    expect((await stream.next()).value).toMatchObject({ type: 'record', seq: 1 });
    const socket = requests[0]?.socket;
    const closed = socket === undefined ? undefined : once(socket, 'close');
    const next = stream.next();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    await closed;
  });
});
