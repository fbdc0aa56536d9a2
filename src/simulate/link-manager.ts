import { isIP } from 'node:net';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { PrivateKey, parsePublicKey } from '../domain/keys.ts';
import { sidero } from '../gen/proto.js';
import type { Clock } from '../lib/clock.ts';
import { Backoff } from './backoff.ts';
import { parseHostPort } from './boot-args.ts';
import type { LinkConfig, Network } from './network.ts';
import { encodeProvisionRequest, logicalEndpoints, type TalosProfile } from './profile.ts';
import type { Random } from './random.ts';

/** How often Talos looks whether its peer is down. */
const TICK_MS = 30_000;

/** WireGuard's 180 s + 5 s + 90 s after which a peer without a handshake counts as down. */
const PEER_DOWN_MS = 275_000;

/** What Provision answered, read. */
export interface ProvisionAnswer {
  /** In the order in which the machine tries them. */
  readonly endpoints: readonly string[];
  readonly serverPublicKey: string;
  readonly nodeAddressPrefix: string;
  readonly serverAddress: string;
  readonly tunnelAddress: string;
}

/** What changes between calls of one boot: META may be written while the machine runs. */
export interface LinkInputs {
  readonly uuid: string;
  readonly joinToken: string;
  readonly uniqueToken: string;
  readonly tunnel: boolean;
}

export interface LinkManagerOptions {
  readonly profile: TalosProfile;
}

/** WireGuard over gRPC, under way. */
export interface OpenTunnel {
  /** `ip:port` that the device has for its peer. */
  readonly endpoint: string;
  close(): void;
}

export interface LinkManagerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Pick<Network, 'configureLink' | 'latestHandshake'>;
  readonly inputs: () => LinkInputs;
  /** The call itself: encoded request to encoded answer. */
  readonly provision: (request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;
  /** `host:port` to `ip:port`. */
  readonly resolve: (endpoint: { host: string; port: number }) => Promise<string>;
  /** Begins to carry WireGuard's packets in a stream of the API; undefined: this machine cannot. */
  readonly openTunnel?: (virtual: string) => Promise<OpenTunnel>;
  readonly onProvision?: (outcome: 'ok' | 'failed', error?: unknown) => void;
  readonly onLink: (config: LinkConfig, answer: ProvisionAnswer) => void;
  /** A run of the controller ended with an error; the next one starts after `waitMs`. */
  readonly onError?: (error: unknown, waitMs: number) => void;
}

/**
 * The SideroLink controller of one boot: one key, Provision with a backoff that only grows, the endpoint list tried
 * one by one while the peer is down (facts/talos-client.md sections 2.3 to 2.6).
 */
export class LinkManager {
  readonly privateKey = PrivateKey.generate();
  readonly #profile: TalosProfile;
  readonly #deps: LinkManagerDeps;
  readonly #backoff: Backoff;
  #answer: ProvisionAnswer | undefined;
  #untried: string[] = [];
  #inputsChanged: (() => void) | undefined;
  #changed = false;
  #tunnel: (OpenTunnel & { readonly virtual: string }) | undefined;

  constructor({ profile }: LinkManagerOptions, deps: LinkManagerDeps) {
    this.#profile = profile;
    this.#deps = deps;
    this.#backoff = new Backoff(deps.random);
  }

  /** META or the configuration changed: Talos provisions again at once, with the same key. */
  inputsChanged(): void {
    this.#changed = true;
    this.#inputsChanged?.();
  }

  /** Works until `signal` aborts; a release that does not reconnect ends with its first link. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#closeTunnel(), { once: true });
    while (!signal.aborted) {
      try {
        return await this.#runOnce(signal);
      } catch (error) {
        if (signal.aborted) return;
        const waitMs = this.#backoff.next();
        this.#deps.onError?.(error, waitMs);
        await this.#deps.clock.sleep(waitMs, signal);
      }
    }
  }

  async #runOnce(signal: AbortSignal): Promise<void> {
    this.#untried = [];
    this.#changed = false;
    // The ticker runs freely: its first tick may come right after the first link.
    let wait = this.#deps.random() * TICK_MS;
    await this.#connect(signal);
    if (!this.#profile.reconnects) return;
    while (!signal.aborted) {
      const before = this.#deps.clock.monotonic();
      await this.#sleepOrChange(wait, signal);
      if (signal.aborted) return;
      if (this.#changed) {
        this.#changed = false;
        wait = Math.max(0, wait - (this.#deps.clock.monotonic() - before));
        if (this.#profile.dropsEndpointsOnChange) this.#untried = [];
        await this.#connect(signal);
        continue;
      }
      wait = TICK_MS;
      if (await this.#peerDown()) await this.#connect(signal);
    }
  }

  async #sleepOrChange(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#changed) return;
    const either = new AbortController();
    const abort = () => either.abort();
    this.#inputsChanged = abort;
    signal.addEventListener('abort', abort, { once: true });
    await this.#deps.clock.sleep(ms, either.signal);
    signal.removeEventListener('abort', abort);
    this.#inputsChanged = undefined;
  }

  async #peerDown(): Promise<boolean> {
    const latest = await this.#deps.network.latestHandshake();
    return latest !== undefined && this.#deps.clock.now() - latest >= PEER_DOWN_MS;
  }

  async #connect(signal: AbortSignal): Promise<void> {
    if (this.#untried.length === 0) {
      this.#answer = await this.#provision(signal);
      this.#untried = [...this.#answer.endpoints];
    }
    const endpoint = this.#untried.shift();
    const answer = this.#answer;
    if (endpoint === undefined || answer === undefined) {
      throw new SiderolinkError('unavailable', 'host returned no endpoints');
    }
    checkAddresses(answer);
    const tunnel = await this.#openTunnel(answer, signal);
    const config: LinkConfig = {
      privateKey: this.privateKey,
      address: answer.nodeAddressPrefix,
      serverPublicKey: parsePublicKey(answer.serverPublicKey),
      serverAddress: answer.serverAddress,
      endpoint: tunnel?.endpoint ?? (await this.#deps.resolve(parseHostPort(endpoint, 'server_endpoint'))),
      tunnelled: tunnel !== undefined,
      mtu: this.#profile.mtu,
    };
    await this.#deps.network.configureLink(config);
    if (!signal.aborted) this.#deps.onLink(config, answer);
  }

  /** What carries the packets, if the answer wants it so. The same address keeps what there is, well or not. */
  async #openTunnel({ tunnelAddress }: ProvisionAnswer, signal: AbortSignal): Promise<OpenTunnel | undefined> {
    const wanted = this.#profile.tunnel ? tunnelAddress : '';
    if (this.#tunnel !== undefined && this.#tunnel.virtual === wanted) return this.#tunnel;
    this.#closeTunnel();
    if (wanted === '') return undefined;
    const { openTunnel } = this.#deps;
    if (openTunnel === undefined) {
      throw new SiderolinkError('unavailable', 'the endpoint demands a tunnel, which this machine does not speak');
    }
    const { endpoint, close } = await openTunnel(wanted);
    this.#tunnel = { endpoint, close, virtual: wanted };
    if (signal.aborted) this.#closeTunnel();
    return this.#tunnel;
  }

  #closeTunnel(): void {
    this.#tunnel?.close();
    this.#tunnel = undefined;
  }

  async #provision(signal: AbortSignal): Promise<ProvisionAnswer> {
    const deadline = new AbortController();
    const abort = () => deadline.abort();
    signal.addEventListener('abort', abort, { once: true });
    const { provisionDeadlineMs } = this.#profile;
    const cancel =
      provisionDeadlineMs === null ? undefined : this.#deps.clock.after(provisionDeadlineMs, () => deadline.abort());
    try {
      const request = encodeProvisionRequest(this.#profile, {
        ...this.#deps.inputs(),
        publicKey: this.privateKey.publicKey,
      });
      const answer = readAnswer(this.#profile, await this.#deps.provision(request, deadline.signal));
      this.#deps.onProvision?.('ok');
      return answer;
    } catch (error) {
      this.#deps.onProvision?.('failed', error);
      throw error;
    } finally {
      cancel?.();
      signal.removeEventListener('abort', abort);
    }
  }
}

/** What Talos cannot parse is an error of the controller, before anything is configured. */
function checkAddresses({ nodeAddressPrefix, serverAddress }: ProvisionAnswer): void {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(nodeAddressPrefix) ?? [];
  if (isIP(address) === 0 || Number(bits) > 128) {
    throw new SiderolinkError('invalid_argument', 'node_address_prefix is not an address with a prefix length');
  }
  if (isIP(serverAddress) === 0) throw new SiderolinkError('invalid_argument', 'server_address is not an address');
}

function readAnswer(profile: TalosProfile, body: Uint8Array): ProvisionAnswer {
  try {
    const answer = sidero.link.ProvisionResponse.decode(body);
    return {
      endpoints: logicalEndpoints(profile, answer.server_endpoint ?? []),
      serverPublicKey: answer.server_public_key ?? '',
      nodeAddressPrefix: answer.node_address_prefix ?? '',
      serverAddress: answer.server_address ?? '',
      tunnelAddress: answer.grpc_peer_addr_port ?? '',
    };
  } catch (error) {
    throw new SiderolinkError(
      'invalid_argument',
      `a broken ProvisionResponse: ${errorMessage(error)}`,
      {},
      { cause: error },
    );
  }
}
