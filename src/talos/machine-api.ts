import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { machine } from '../gen/proto.js';
import type { Clock } from '../lib/clock.ts';
import { MachineApiError } from './api-error.ts';
import { type ExchangeOptions, exchange } from './exchange.ts';

export interface MachineApiOptions {
  /** The address our packets come from: the server's on the overlay. Talos lets such an address write in maintenance. */
  readonly localAddress: string;
  /** Default 50000, Talos' apid. */
  readonly port?: number;
  /** For a whole exchange, milliseconds. Default 5,000. */
  readonly deadlineMs?: number;
  /** Default 64 KiB. */
  readonly maxAnswerBytes?: number;
}

const PATH = '/machine.MachineService';
/**
 * What Go's TLS has. With finite-field groups, which Node offers too, the peer would choose how long each handshake
 * holds up everything else here: some 35 ms of CPU with 8,192 bits.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE+AESGCM',
  'ECDHE+CHACHA20',
].join(':');
const GROUPS = 'X25519:P-256:P-384';
const NOTHING = new Uint8Array(0);
const MAX_VERSION_TEXT = 64;

/**
 * The few calls we make to machines' own API over the link (facts/talos-client.md section 6). Every call has a
 * connection of its own, and ends by its deadline with an answer or a MachineApiError; nothing is tried twice here.
 */
export class MachineApi {
  readonly #options: Omit<ExchangeOptions, 'address'>;
  readonly #deps: { readonly secureContext: SecureContext; readonly clock?: Clock };

  constructor(options: MachineApiOptions, deps: { readonly clock?: Clock } = {}) {
    const { localAddress, port = 50_000, deadlineMs = 5_000, maxAnswerBytes = 65_536 } = options;
    this.#options = { localAddress, port, deadlineMs, maxAnswerBytes };
    // One for all: to make one costs more than a handshake.
    const secureContext = createSecureContext({
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
      ecdhCurve: GROUPS,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    });
    this.#deps = { ...deps, secureContext };
  }

  /**
   * Writes a value of the META partition. Once it has begun, a failure does not mean that nothing was written.
   * @param address the machine's overlay address
   * @throws MachineApiError whose message does not hold the value, even if the machine sent it back
   */
  async metaWrite(address: string, key: number, value: string, signal: AbortSignal): Promise<void> {
    const request = machine.MetaWriteRequest.encode(
      machine.MetaWriteRequest.fromObject({ key, value: Buffer.from(value) }),
    ).finish();
    const answer = await this.#call('MetaWrite', address, request, signal);
    decode(() => machine.MetaWriteResponse.decode(answer));
  }

  /** The machine's Talos version, e.g. `v1.13.0`; empty if it does not say. @throws MachineApiError */
  async version(address: string, signal: AbortSignal): Promise<string> {
    const answer = await this.#call('Version', address, NOTHING, signal);
    const { messages } = decode(() => machine.VersionResponse.decode(answer));
    return (messages?.[0]?.version?.tag ?? '').slice(0, MAX_VERSION_TEXT);
  }

  #call(method: string, address: string, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return exchange(`${PATH}/${method}`, request, { ...this.#options, address }, this.#deps, signal);
  }
}

function decode<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new MachineApiError('broken', "the answer of the machine's API is not the message that it should be", null, {
      cause,
    });
  }
}
