import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newControlToken } from '../../src/domain/control-token.ts';
import type { NamespacedMachine } from '../../src/simulate/namespaced-machine.ts';
import { certificateFor, tokenLine } from '../control/tcp-harness.ts';
import { Gateway } from './gateway.ts';

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const URL_OF_GATEWAY = 'https://192.0.2.1:8443';

const gateway = new Gateway();
const files = Object.fromEntries(
  ['tokens', 'token', 'cert', 'key'].map((name) => [name, join(gateway.directory, name)]),
) as Record<'tokens' | 'token' | 'cert' | 'key', string>;
let machine: NamespacedMachine;
let uuid: string;

beforeAll(async () => {
  const token = newControlToken();
  const pair = certificateFor('192.0.2.1');
  writeFileSync(files.tokens, tokenLine(token, 'operator', 'seat'), { mode: 0o600 });
  writeFileSync(files.token, token, { mode: 0o600 });
  writeFileSync(files.cert, pair.cert);
  writeFileSync(files.key, pair.key, { mode: 0o600 });
  await gateway.create();
  await gateway.start({
    'control.listen': '192.0.2.1:8443',
    'control.tls.cert_file': files.cert,
    'control.tls.key_file': files.key,
    'control.tokens_file': files.tokens,
  });
  machine = await gateway.machine();
  uuid = (await machine.state()).uuid;
  await machine.start();
  await gateway.until('the link is up', async () => (await gateway.client.machine(uuid)).link.state === 'up');
}, 240_000);
afterAll(() => gateway.dispose());

const HANDSHAKE = `
  import { connect } from 'node:tls';
  const socket = connect({ host: '127.0.0.1', port: Number(process.argv[1]), rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  socket.once('secureConnect', () => {
    console.log(socket.alpnProtocol);
    process.exit();
  });
`;

it('reaches a machine’s Talos API from elsewhere, through the gateway and the tunnel, until it is removed', async () => {
  const options = ['--url', URL_OF_GATEWAY, '--token-file', files.token, '--ca-file', files.cert];
  const command = gateway.namespace.spawn([process.execPath, CLI, 'connect', uuid, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (command.stdout === null) throw new Error('no output');
  const [address] = await once(command.stdout.setEncoding('utf8'), 'data');
  const port = String(address).trim().split(':')[1] ?? '';

  // A handshake with the machine itself: HTTP/2, as its API speaks it.
  await gateway.until('the machine serves its API', async () => {
    return (await gateway.namespace.script(HANDSHAKE, port)).trim() === 'h2';
  });

  // The machine sees the server's own overlay address, which its firewall lets in.
  const stream = await gateway.client.connect(uuid, 50_000);
  const status = await gateway.client.status();
  const { address: overlayAddress } = await gateway.client.machine(uuid);
  const sockets = await gateway.namespace.run(['ss', '-tnH', 'dport = :50000']);
  expect(sockets).toContain(`[${status.overlay.server}]:`);
  expect(sockets).toContain(`[${overlayAddress}]:50000`);

  const ended = new Promise((resolve) => stream.resume().once('end', resolve));
  await gateway.client.removeMachine(uuid);
  await ended;
  await expect(gateway.client.connect(uuid, 50_000)).rejects.toMatchObject({ code: 'conflict', status: 409 });

  const done = once(command, 'exit');
  command.kill('SIGINT');
  expect((await done)[0]).toBe(130);
}, 240_000);
