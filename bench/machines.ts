import { randomUUID } from 'node:crypto';
import { type ClientHttp2Session, connect } from 'node:http2';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { PrivateKey, type PublicKey } from '../src/domain/keys.ts';
import { sidero } from '../src/gen/proto.js';
import { firstWords, rawUnaryCall } from './raw-call.ts';

const { ProvisionRequest, ProvisionResponse } = sidero.link;

/** One unary gRPC call over an HTTP/2 session, as bytes. Frames: one flag byte, four length bytes, the message. */
export function unaryCall(session: ClientHttp2Session, path: string, message: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const parts: Buffer[] = [];
    let status: string | undefined;
    const take = (headers: Record<string, unknown>): void => {
      if (typeof headers['grpc-status'] === 'string')
        status = `${headers['grpc-status']} ${headers['grpc-message'] ?? ''}`;
    };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', reject);
    stream.on('close', () => {
      if (status?.startsWith('0 ')) resolve(Buffer.concat(parts).subarray(5));
      else reject(new Error(`${path}: gRPC status ${status ?? 'missing'}`));
    });
    const frame = Buffer.alloc(5 + message.length);
    frame.writeUInt32BE(message.length, 1);
    frame.set(message, 5);
    stream.end(frame);
  });
}

export interface Joined {
  readonly uuid: string;
  readonly address: string;
  /** Milliseconds from when all were let go to the answer, calls that broke included. */
  readonly ms: number;
  /** Calls whose connection broke before the one that was answered, and calls that were refused. */
  readonly broken: number;
  readonly refused: number;
}

export function openSession(url: string, localAddress?: string): ClientHttp2Session {
  const session = connect(url, {
    rejectUnauthorized: false,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  session.on('error', () => {});
  return session;
}

/** A machine that is about to join: what it will say, word for word. */
interface Newcomer {
  readonly uuid: string;
  readonly words: Buffer;
}

function newcomer(url: URL, token: string, publicKey: PublicKey): Newcomer {
  const uuid = randomUUID();
  const request = ProvisionRequest.encode({
    node_uuid: uuid,
    node_public_key: publicKey,
    join_token: token,
    node_unique_token: '',
    talos_version: 'v1.13.0',
  }).finish();
  return { uuid, words: firstWords(url.host, '/sidero.link.ProvisionService/Provision', request) };
}

/** Joins one new machine as Talos does: a connection of its own, one Provision, connection closed. */
async function provision(url: URL, { uuid, words }: Newcomer, started: number): Promise<Joined> {
  const failed = { broken: 0, refused: 0 };
  for (;;) {
    try {
      const answer = await rawUnaryCall(url, words);
      const { node_address_prefix } = ProvisionResponse.decode(answer);
      return { uuid, address: node_address_prefix.split('/')[0] ?? '', ms: performance.now() - started, ...failed };
    } catch (error) {
      const isBroken = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      failed[isBroken ? 'broken' : 'refused'] += 1;
      if (failed.broken + failed.refused > MAX_FAILED) throw error;
      if (!isBroken) await sleep(CALL_AGAIN_MS);
    }
  }
}

/**
 * A kernel whose queue of new connections (net.core.somaxconn) is full for long resets some of ten thousand that call in
 * the same moment, and a host with other work refuses some in the end (UNAVAILABLE). Talos calls again; so does this.
 */
const MAX_FAILED = 5;
const CALL_AGAIN_MS = 1000;
/**
 * A machine says its words as soon as its connection stands. One process that dials ten thousand in one go says the first
 * of them a second later.
 */
const DIALLED_PER_TURN = 64;

/** Keys of machines that are about to join: made beforehand, because making them is the machines' work. */
export function newKeys(count: number): PublicKey[] {
  return Array.from({ length: count }, () => PrivateKey.generate().publicKey);
}

/** All at once. */
export function provisionAll(keys: readonly PublicKey[], url: string, token: string): Promise<Joined[]> {
  return readyToJoin(keys, url, token)();
}

/** Makes what each will say, which is the machines' work too; all of them join at once when the result is called. */
export function readyToJoin(keys: readonly PublicKey[], url: string, token: string): () => Promise<Joined[]> {
  const to = new URL(url);
  const newcomers = keys.map((key) => newcomer(to, token, key));
  return async () => {
    const started = performance.now();
    const joining: Promise<Joined>[] = [];
    for (const one of newcomers) {
      joining.push(provision(to, one, started));
      if (joining.length % DIALLED_PER_TURN === 0) await nextTurn();
    }
    return Promise.all(joining);
  };
}
