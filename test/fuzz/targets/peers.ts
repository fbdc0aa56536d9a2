import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { MachineApiError } from '../../../src/talos/api-error.ts';
import { frame } from '../../../src/talos/framing.ts';
import { MachineApi } from '../../../src/talos/machine-api.ts';
import { type Harness, startControl } from '../../control/harness.ts';
import { h2Frame, metaWritten, type TestServer, tlsServer } from '../../talos/server.ts';
import type { Dice } from '../dice.ts';
import { must, type Target } from '../fuzzer.ts';

/** A target with somebody at the other end of a connection. */
export interface Peer extends AsyncDisposable {
  readonly target: Target;
}

const TOKEN = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA';
const DEADLINE_MS = 250;
const never = new AbortController().signal;

const [DATA, HEADERS, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION] = [0, 1, 3, 4, 5, 6, 7, 8, 9];
const END_STREAM = 1;
const END_HEADERS = 4;
const STATUS_200 = Buffer.of(0x88);
const field = (name: string, value: string) =>
  Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);

const hello = h2Frame(SETTINGS, 0, 0);
const head = h2Frame(HEADERS, END_HEADERS, 1, Buffer.concat([STATUS_200, field('content-type', 'application/grpc')]));
const body = h2Frame(DATA, 0, 1, frame(metaWritten()));
const trailers = (status: string, message = '') =>
  h2Frame(
    HEADERS,
    END_HEADERS | END_STREAM,
    1,
    Buffer.concat([field('grpc-status', status), field('grpc-message', message)]),
  );

/** A machine that answers whatever it likes behind its TLS: our call ends, in time, and nothing of it is told. */
export async function hostileMachine(): Promise<Peer> {
  let answer: (socket: TLSSocket) => void = () => {};
  const server: TestServer = await tlsServer((socket) => answer(socket));
  const api = new MachineApi({ localAddress: '::1', port: server.port, deadlineMs: DEADLINE_MS });
  const target: Target = {
    name: 'machine-api',
    share: 1,
    words: [hello, head, body, trailers('0'), trailers('12')].map((bytes) => bytes.toString('latin1')),
    outcomes: ['answered', 'broken', 'refused'],
    seeds: () => [
      Buffer.concat([hello, head, body, trailers('0')]),
      Buffer.concat([hello, head, trailers('7', `no: ${TOKEN}`)]),
      Buffer.concat([hello, h2Frame(GOAWAY, 0, 0, Buffer.alloc(8))]),
      Buffer.concat([hello, h2Frame(HEADERS, END_HEADERS, 1, Buffer.alloc(2_000, field('a', 'b')))]),
    ],
    generate: (dice) => Buffer.concat([hello, ...frames(dice)]),
    begin: () => async (input, dice) => {
      const stays = dice.chance(0.05);
      answer = (socket) => {
        // Once it has asked: else it is a peer that knows nothing of us.
        socket.once('data', () => (stays ? socket.write(input) : socket.end(input)));
      };
      try {
        await api.metaWrite('::1', 16, TOKEN, never);
        return 'answered';
      } catch (error) {
        must(error instanceof MachineApiError, `an error of ours, not ${String(error)}`);
        must(!error.message.includes(TOKEN) && error.message.length < 400, 'a message is short and repeats nothing');
        // A machine that is silent, and one that is gone, are what they are whatever it wrote.
        return error.fault === 'refused' || error.fault === 'unimplemented' ? 'refused' : 'broken';
      }
    },
  };
  return { target, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function frames(dice: Dice): Buffer[] {
  const one = () => {
    const kind = dice.pick([DATA, HEADERS, HEADERS, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION, 0x42]);
    const whole = h2Frame(
      kind,
      dice.pick([0, 1, 4, 5, 8, 0x20, 0xff]),
      dice.pick([0, 1, 1, 2, 3]),
      dice.bytes(dice.few(80)),
    );
    if (dice.chance(0.1)) whole.writeUIntBE(dice.int(0, 2 ** 24 - 1), 0, 3);
    return whole;
  };
  const true_ = [
    head,
    body,
    trailers(dice.pick(['0', '0', '7', '12', 'x', '999', '-1']), dice.text(5).replaceAll(/[^ -~]/g, '%')),
  ];
  return true_.flatMap((part) => (dice.chance(0.8) ? [part, ...(dice.chance(0.4) ? dice.list(2, one) : [])] : [one()]));
}

const PATHS = [
  '/v1/status',
  '/v1/machines',
  '/v1/machines/x',
  '/v1/tokens',
  '/v1/records',
  '/v1/openapi.json',
  '/nothing',
  '*',
] as const;

/** Bytes on the control socket that may be HTTP: every answer is one, none says that we failed, and the next caller is served. */
export async function controlSocket(): Promise<Peer> {
  const control: Harness = await startControl({ maxBodyBytes: 4_096, requestTimeoutMs: 600 });
  let asked = 0;
  const target: Target = {
    name: 'control-socket',
    share: 1,
    words: [
      '\r\n',
      '\r\n\r\n',
      'Content-Length: 5\r\n',
      'Transfer-Encoding: chunked\r\n',
      '0\r\n\r\n',
      'GET ',
      'PATCH ',
      ' HTTP/1.1',
      'Host: x\r\n',
      ...PATHS,
    ],
    outcomes: ['answered', 'refused', 'silent'],
    generate: (dice) => Buffer.from(dice.list(3, () => request(dice)).join('') || request(dice)),
    begin: () => async (input, dice) => {
      const got = await exchangeBytes(control.socket, input, dice);
      const statuses = [...got.matchAll(/(?:^|\n)HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
      must(got === '' || got.startsWith('HTTP/1.1 '), 'an answer is HTTP');
      for (const status of statuses) must(status < 500 || status === 505, `answered ${status}: ${got.slice(0, 300)}`);
      asked += 1;
      if (asked % 16 === 0) must((await control.call('GET', '/v1/status')).status === 200, 'the next caller is served');
      if (statuses.length === 0) return 'silent';
      return statuses.some((status) => status < 400) ? 'answered' : 'refused';
    },
  };
  return { target, [Symbol.asyncDispose]: () => control[Symbol.asyncDispose]() };
}

function request(dice: Dice): string {
  const method = dice.pick(['GET', 'GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'HEAD', 'OPTIONS', 'CONNECT', 'G E T']);
  const query = dice.pick([
    '',
    '?limit=1',
    '?selector=a%20in%20(b',
    '?%',
    `?cursor=${encodeURIComponent(dice.text(5).toWellFormed())}`,
  ]);
  const content = dice.pick(['', '{}', '{"name":"a"}', '[', dice.text(dice.few(50))]);
  const length = dice.chance(0.9) ? Buffer.byteLength(content) : dice.pick([-1, 0, 5, 1e9]);
  const more = dice.list(2, () =>
    dice.pick([
      'Expect: 100-continue\r\n',
      'Upgrade: x\r\nConnection: upgrade\r\n',
      'Transfer-Encoding: chunked\r\n',
      `X: ${'y'.repeat(dice.few(20_000))}\r\n`,
    ]),
  );
  return `${method} ${dice.pick(PATHS)}${query} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n${more.join('')}\r\n${content}`;
}

/** What comes back for these bytes until the server ends the connection, or has said nothing for its time. */
function exchangeBytes(path: string, input: Buffer, dice: Dice): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  const socket = connect({ path, allowHalfOpen: true });
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A server that has refused may close before it has read everything.
  socket.on('error', () => {});
  socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  socket.on('end', () => socket.destroy());
  const cut = dice.int(0, input.length);
  socket.write(input.subarray(0, cut), () => socket.end(input.subarray(cut)));
  // A stream of records has no end.
  socket.setTimeout(2_000, () => socket.destroy());
  return promise;
}
