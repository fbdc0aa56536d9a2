import { randomUUID } from 'node:crypto';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { endpointsFromWire } from '../../src/domain/endpoints.ts';
import type { JoinPolicy } from '../../src/domain/join-types.ts';
import type { PublicKey } from '../../src/domain/keys.ts';
import { type Overlay, overlayOf, sourceAddress } from '../../src/domain/overlay.ts';
import type { RegistryImage } from '../../src/domain/registry.ts';
import type { TunnelSetting } from '../../src/domain/tunnel.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { fleetMetrics } from '../../src/fleet/metrics.ts';
import { ProvisionalKeeper } from '../../src/fleet/provisional.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import type { FleetEvent, Machine } from '../../src/fleet/types.ts';
import { sidero } from '../../src/gen/proto.js';
import { joinMetrics } from '../../src/join/metrics.ts';
import { type ProvisionOptions, ProvisionService, provisionStatus } from '../../src/join/provision-service.ts';
import { GrpcEdge } from '../../src/lib/grpc.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry, type MetricsRegistry } from '../../src/telemetry/metrics.ts';
import { ManualClock, MemoryDevice, MemoryLinks, MemoryLog, newKey } from '../fleet/fakes.ts';

const POLICY: JoinPolicy = {
  policy: 'accept',
  requireToken: false,
  uniqueTokens: 'strict',
  maxMachines: 1_000,
  maxProvisional: 256,
};

const open: Gateway[] = [];

/** Stops every gateway of the test. */
export async function closeGateways(): Promise<void> {
  await Promise.all(open.splice(0).map((gateway) => gateway.close()));
}

export interface GatewayOptions {
  readonly policy?: Partial<JoinPolicy>;
  readonly provision?: Partial<ProvisionOptions>;
  readonly installation?: string;
  /** `join.tunnel`. */
  readonly tunnel?: TunnelSetting;
}

export interface Call {
  readonly uuid?: string;
  readonly key?: string;
  readonly joinToken?: string;
  /** Undefined sends the empty token, as Talos without one does; null sends no field, as Talos before 1.6. */
  readonly uniqueToken?: string | null;
  readonly version?: string | null;
  /** It asks for WireGuard over gRPC. */
  readonly tunnel?: boolean;
}

export interface Joined {
  readonly address: string;
  readonly prefix: string;
  readonly serverAddress: string;
  readonly serverKey: string;
  readonly endpoints: readonly string[];
  /** Virtual address and port; empty for UDP. */
  readonly tunnel: string;
}

class Refused extends Error {
  readonly code: number;

  constructor({ code, details }: ServiceError) {
    super(details);
    this.code = code;
  }
}

/** The join side of a daemon: real fleet, real gRPC over loopback, log and device in memory. */
export class Gateway {
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  readonly device: MemoryDevice;
  readonly links: MemoryLinks;
  readonly boots: BootTable;
  readonly statuses: StatusTable;
  readonly fleet: Fleet;
  readonly overlay: Overlay;
  readonly registry: MetricsRegistry = createRegistry();
  readonly service: ProvisionService;
  readonly keeper: ProvisionalKeeper;
  readonly events: FleetEvent[] = [];
  readonly logged: string[] = [];
  readonly #edge: GrpcEdge;
  readonly #options: GatewayOptions;
  #client: Client | undefined;

  private constructor(options: GatewayOptions, before?: Gateway, image?: RegistryImage) {
    this.#options = options;
    this.clock = before?.clock ?? new ManualClock();
    this.log = image === undefined ? new MemoryLog() : new MemoryLog(image);
    this.device = before?.device ?? new MemoryDevice();
    this.links = before?.links ?? new MemoryLinks();
    this.overlay = overlayOf(options.installation ?? 'test');
    const { clock, log, links, registry } = this;
    this.boots = new BootTable({}, { image: log.image, clock });
    this.statuses = new StatusTable({}, { image: log.image, clock });
    this.fleet = new Fleet(
      {
        overlay: this.overlay,
        uniqueTokenKey: Buffer.alloc(32, 7),
        ...(options.tunnel !== undefined && { tunnel: options.tunnel }),
      },
      {
        log,
        boots: this.boots,
        statuses: this.statuses,
        links,
        wireguard: this.device,
        clock,
        metrics: fleetMetrics(registry),
      },
    );
    this.fleet.machines.onEvent((event) => this.events.push(event));
    const logger = createLogger('debug', { write: (line: string) => void this.logged.push(line) });
    this.keeper = new ProvisionalKeeper(
      {},
      {
        roster: this.fleet.machines,
        boots: this.boots,
        statuses: this.statuses,
        links,
        wireguard: this.device,
        clock,
        logger,
      },
    );
    this.service = new ProvisionService(
      {
        policy: { ...POLICY, ...options.policy },
        endpoints: ['192.0.2.1:51821', '192.0.2.2:51821', '192.0.2.3:51821'],
        serverAddress: this.overlay.server,
        ...options.provision,
      },
      { fleet: this.fleet, wireguard: this.device, links, clock, logger, metrics: joinMetrics(registry) },
    );
    this.#edge = new GrpcEdge(
      {
        name: 'api',
        host: '127.0.0.1',
        normaliseSource: sourceAddress,
        toStatus: provisionStatus(logger, clock),
        maxConcurrentStreams: 10_000,
      },
      { clock },
    ).unary(this.service.method());
  }

  static async start(
    options: GatewayOptions = {},
    before?: Gateway,
    image: RegistryImage | undefined = before?.log.reopen().image,
  ): Promise<Gateway> {
    const gateway = new Gateway(options, before, image);
    open.push(gateway);
    const { host, port } = await gateway.#edge.listen();
    gateway.#client = new Client(`${host}:${port}`, credentials.createInsecure());
    return gateway;
  }

  /** Ends this daemon and starts another on what it has stored, or on another image; device and links stay. */
  async restart(image?: RegistryImage): Promise<Gateway> {
    await this.close();
    return Gateway.start(this.#options, this, image);
  }

  async close(): Promise<void> {
    this.log.gate.open();
    this.device.gate.open();
    this.links.gate.open();
    this.#client?.close();
    await this.#edge.stop(0);
  }

  provision(call: Call): Promise<Joined> {
    return this.send(requestBytes(call)).then(joinedFrom);
  }

  /** The same without the network: the join has begun when this returns. */
  begin(call: Call): Promise<string> {
    const method = this.service.method();
    const request = method.decode(Buffer.from(requestBytes(call)));
    const signal = new AbortController().signal;
    return Promise.resolve(method.handle(request, { source: '192.0.2.99', signal })).then(({ address }) => address);
  }

  /** The refusal of a call; a call that is admitted fails the test. */
  async refusal(call: Call): Promise<{ code: number; message: string }> {
    try {
      const joined = await this.provision(call);
      throw new Error(`was admitted with ${joined.address}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { code: error.code, message: error.message };
    }
  }

  send(bytes: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#client?.makeUnaryRequest<Buffer, Buffer>(
        '/sidero.link.ProvisionService/Provision',
        (value) => value,
        (value) => value,
        Buffer.from(bytes),
        (error, value) => (error !== null ? reject(new Refused(error)) : resolve(value ?? Buffer.alloc(0))),
      );
    });
  }

  /** Subjects' ends of the records so far, e.g. `machine.discovered`. */
  get recorded(): readonly string[] {
    return this.log.records.map((record) => `${record.stream}.${record.detail}`);
  }

  /** The machine with this address, whatever its state. */
  at(address: string): Machine {
    for (const machine of this.fleet.machines.all()) if (machine.address === address) return machine;
    throw new Error(`no machine has ${address}`);
  }

  /** Bodies of the records with this detail, parsed. */
  told(detail: string): readonly Record<string, unknown>[] {
    return this.log.records.filter((record) => record.detail === detail).map(({ body }) => JSON.parse(body));
  }

  /** A peer that has had a handshake and answers. */
  linked(key: string): void {
    const publicKey = key as PublicKey;
    const now = this.clock.now();
    this.links.alive.add(publicKey);
    this.links.set(publicKey, { state: 'up', latestHandshake: Math.floor(now / 1_000), lastRx: now, rxBytes: 148 });
  }

  get commits(): number {
    return this.log.changes.length;
  }

  async metric(name: string): Promise<Record<string, number>> {
    const metric = await this.registry.getSingleMetric(name)?.get();
    return Object.fromEntries(
      (metric?.values ?? []).map(({ labels, value }) => [Object.values(labels).join(','), value]),
    );
  }
}

function requestBytes(call: Call): Uint8Array {
  const { uuid = randomUUID(), key = newKey(), joinToken, uniqueToken = '', version = 'v1.13.0', tunnel } = call;
  return sidero.link.ProvisionRequest.encode({
    node_uuid: uuid,
    node_public_key: key,
    ...(joinToken !== undefined && { join_token: joinToken }),
    ...(uniqueToken !== null && { node_unique_token: uniqueToken }),
    ...(version !== null && { talos_version: version }),
    ...(tunnel !== undefined && { wireguard_over_grpc: tunnel }),
  }).finish();
}

function joinedFrom(bytes: Buffer): Joined {
  const answer = sidero.link.ProvisionResponse.decode(bytes);
  return {
    address: answer.node_address_prefix.replace(/\/64$/, ''),
    prefix: answer.node_address_prefix,
    serverAddress: answer.server_address,
    serverKey: answer.server_public_key,
    endpoints: endpointsFromWire(answer.server_endpoint),
    tunnel: answer.grpc_peer_addr_port,
  };
}
