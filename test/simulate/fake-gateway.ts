import net from 'node:net';
import grpc from '@grpc/grpc-js';
import { events, sidero } from '../../src/gen/proto.js';
import { systemClock } from '../../src/lib/clock.ts';

const LOOK_MS = 20;

export interface ReceivedEvent {
  readonly id: string;
  readonly actorId: string;
  readonly type: string;
  readonly value: Uint8Array;
  readonly connection: string;
}

type ProvisionRequest = ReturnType<typeof sidero.link.ProvisionRequest.decode>;

/** The other side, as small as it can be, but on real sockets: Provision, Publish and a receiver of kernel lines. */
export class FakeGateway {
  readonly provisions: ProvisionRequest[] = [];
  readonly events: ReceivedEvent[] = [];
  readonly lines: string[] = [];
  readonly kmsgSockets: net.Socket[] = [];
  /** Answers of Publish to come: a status that is not 0 refuses the call. */
  readonly refusals: number[] = [];
  answer: (request: ProvisionRequest) => Parameters<typeof sidero.link.ProvisionResponse.encode>[0] | grpc.ServiceError;
  readonly #server = new grpc.Server();
  readonly #kmsg = net.createServer((socket) => this.#receive(socket));
  readonly #waiters = new Set<() => void>();
  apiPort = 0;
  kmsgPort = 0;

  constructor(answer: FakeGateway['answer']) {
    this.answer = answer;
    const bytes = {
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    const unary = { ...bytes, requestStream: false, responseStream: false } as const;
    this.#server.addService(
      {
        Provision: { path: '/sidero.link.ProvisionService/Provision', ...unary },
        Publish: { path: '/events.EventSinkService/Publish', ...unary },
      },
      {
        Provision: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
          const request = sidero.link.ProvisionRequest.decode(call.request);
          this.provisions.push(request);
          const answer = this.answer(request);
          if (answer instanceof Error) done(answer);
          else done(null, Buffer.from(sidero.link.ProvisionResponse.encode(answer).finish()));
          this.#changed();
        },
        Publish: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
          const request = events.EventRequest.decode(call.request);
          this.events.push({
            id: request.id ?? '',
            actorId: request.actor_id ?? '',
            type: (request.data?.type_url ?? '').replace('type.googleapis.com/machine.', ''),
            value: request.data?.value ?? new Uint8Array(),
            connection: call.getPeer(),
          });
          const code = this.refusals.shift() ?? 0;
          if (code === 0) done(null, Buffer.from(events.EventResponse.encode({}).finish()));
          else done({ code, details: 'refused' });
          this.#changed();
        },
      },
    );
  }

  async start(host = '127.0.0.1', ports = { api: 0, kmsg: 0 }): Promise<void> {
    this.apiPort = await new Promise<number>((resolve, reject) => {
      const address = host.includes(':') ? `[${host}]` : host;
      this.#server.bindAsync(`${address}:${ports.api}`, grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    await new Promise<void>((resolve) => this.#kmsg.listen(ports.kmsg, host, resolve));
    this.kmsgPort = (this.#kmsg.address() as net.AddressInfo).port;
  }

  /**
   * Resolves when the condition holds; it is looked at whenever something arrived, and between: what the machine makes of
   * an answer changes after it.
   */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#waiters.add(resolve);
        systemClock.after(LOOK_MS, resolve);
      });
    }
  }

  async stop(): Promise<void> {
    this.#server.forceShutdown();
    for (const socket of this.kmsgSockets) socket.destroy();
    await new Promise((resolve) => this.#kmsg.close(resolve));
  }

  #receive(socket: net.Socket): void {
    this.kmsgSockets.push(socket);
    let rest = '';
    socket.on('error', () => {});
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts);
      this.#changed();
    });
    this.#changed();
  }

  #changed(): void {
    for (const wake of [...this.#waiters]) {
      this.#waiters.delete(wake);
      wake();
    }
  }
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
