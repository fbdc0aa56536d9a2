/**
 * A gateway in a network namespace: the fake gateway on a real WireGuard device. Arguments: interface, address of the
 * server, prefix of the nodes, private key file. Every change is told to the parent.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { PrivateKey } from '../../src/domain/keys.ts';
import { ApiClient, handshake, type Outcome } from './api-client.ts';
import { FakeGateway } from './fake-gateway.ts';

const [device = '', server = '', prefix = '', keyFile = ''] = process.argv.slice(2);
const sh = (...argv: [string, ...string[]]) => execFileSync(argv[0], argv.slice(1), { encoding: 'utf8' });

sh('wireguard-go', device);
sh('wg', 'set', device, 'private-key', keyFile, 'listen-port', '51820');
sh('ip', 'addr', 'add', `${server}/64`, 'dev', device, 'nodad');
sh('ip', 'link', 'set', device, 'mtu', '1280', 'up');

const addresses = new Map<string, string>();
const keys = new Map<string, string>();
const gateway = new FakeGateway((request) => {
  const uuid = request.node_uuid ?? '';
  const key = request.node_public_key ?? '';
  const address = addresses.get(uuid) ?? `${prefix}::${(addresses.size + 16).toString(16)}`;
  addresses.set(uuid, address);
  const former = keys.get(uuid);
  if (former !== undefined && former !== key) sh('wg', 'set', device, 'peer', former, 'remove');
  keys.set(uuid, key);
  sh('wg', 'set', device, 'peer', key, 'allowed-ips', `${address}/128`);
  return {
    server_endpoint: ['192.0.2.1:51820'],
    server_public_key: PrivateKey.parse(readFileSync(keyFile, 'utf8')).publicKey,
    node_address_prefix: `${address}/64`,
    server_address: server,
  };
});

/** What the parent wants to be called, from here, over the link. */
export interface ApiRequest {
  readonly address: string;
  readonly call: 'version' | 'metaWrite' | 'handshake';
  readonly value?: string;
}

/** Machines wait for their answers, so it is asked beside them. */
let handshakes = '';
const show = promisify(execFile);

const outcomes: (Outcome<unknown> | string)[] = [];

async function callApi({ address, call, value = '' }: ApiRequest): Promise<Outcome<unknown> | string> {
  if (call === 'handshake') return await (await handshake(address, 50_000)).failure;
  const client = new ApiClient(`[${address}]:50000`);
  try {
    return call === 'version' ? await client.version() : await client.metaWrite(16, value);
  } finally {
    client.close();
  }
}

process.on('message', (request: ApiRequest) => {
  void callApi(request).then((outcome) => {
    outcomes.push(outcome);
    process.send?.(report());
  });
});

export interface GatewayReport {
  /** Of all calls so far. */
  readonly outcomes: readonly (Outcome<unknown> | string)[];
  readonly ready: boolean;
  readonly apiPort: number;
  readonly provisions: readonly { uuid: string; key: string }[];
  readonly tokens: readonly string[];
  readonly lines: number;
  readonly lastLine: string;
  readonly events: readonly string[];
  readonly sources: readonly string[];
  readonly handshakes: string;
}

function report(): GatewayReport {
  return {
    outcomes,
    ready: true,
    apiPort: gateway.apiPort,
    provisions: gateway.provisions.map((p) => ({ uuid: p.node_uuid ?? '', key: p.node_public_key ?? '' })),
    tokens: gateway.provisions.map((p) => p.node_unique_token ?? ''),
    lines: gateway.lines.length,
    lastLine: gateway.lines.at(-1) ?? '',
    events: gateway.events.map((event) => event.type),
    sources: [...new Set(gateway.kmsgSockets.map((socket) => socket.remoteAddress ?? ''))],
    handshakes,
  };
}

const counts = () => [gateway.provisions.length, gateway.lines.length, gateway.events.length];

await gateway.start('::', { api: 8081, kmsg: 4001 });
process.send?.(report());
for (let seen = counts(); ; ) {
  await gateway.until(() => counts().some((n, i) => n !== seen[i]));
  // What comes while the device is asked is told once more, with what the device says then.
  seen = counts();
  handshakes = (await show('wg', ['show', device, 'latest-handshakes'])).stdout;
  process.send?.(report());
}
