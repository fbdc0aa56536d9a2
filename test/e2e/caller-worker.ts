/** Calls Provision from inside of a network namespace, as its parent tells it over IPC. */
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { sidero } from '../../src/gen/proto.js';
import type { CallerMessage, CallerRequest, ProvisionFields } from './caller.ts';

const PROVISION = '/sidero.link.ProvisionService/Provision';
const DEADLINE_MS = 120_000;

function encode(fields: ProvisionFields): Buffer {
  return Buffer.from(sidero.link.ProvisionRequest.encode(fields).finish());
}

function send(message: CallerMessage): void {
  process.send?.(message);
}

/** On a connection of its own, as Talos does. */
function provision({ id, api, fields }: CallerRequest): void {
  const client = new Client(`${api.host}:${api.port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  client.makeUnaryRequest(
    PROVISION,
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
    encode(fields),
    { deadline: Date.now() + DEADLINE_MS },
    (error: ServiceError | null, answer?: Buffer) => {
      client.close();
      if (error !== null) send({ id, kind: 'refused', code: error.code, message: error.details });
      else {
        const response = sidero.link.ProvisionResponse.decode(answer ?? Buffer.alloc(0));
        send({
          id,
          kind: 'answered',
          address: response.node_address_prefix.split('/', 1)[0] ?? '',
          serverAddress: response.server_address,
          serverKey: response.server_public_key,
          endpoints: response.server_endpoint,
        });
      }
    },
  );
}

/** Cuts the connection once the request is there: a ping that was sent after it has come back. */
function provisionAndLose({ id, api, fields }: CallerRequest): void {
  const socket = connect(api);
  const session = connectHttp2(`http://${api.host}:${api.port}`, { createConnection: () => socket });
  session.on('error', () => {});
  const stream = session.request({
    ':method': 'POST',
    ':path': PROVISION,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => {});
  const message = encode(fields);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([header, message]), () =>
    session.ping(() => {
      socket.destroy();
      send({ id, kind: 'lost' });
    }),
  );
}

process.on('message', (request: CallerRequest) => (request.lose ? provisionAndLose(request) : provision(request)));
process.on('disconnect', () => process.exit(0));
send({ kind: 'ready' });
