import { once } from 'node:events';
import type { Namespace } from '../helpers/netns.ts';

export interface Attempt {
  readonly address: string;
  readonly port: number;
  /** Source address; it need not be the host's own where ip_nonlocal_bind is set. */
  readonly from?: string;
  /** The user who tries; default root. */
  readonly uid?: number;
  /** Milliseconds before it counts as `timeout`. Default 700, for what is to be one; who expects an answer has `PATIENT`. */
  readonly patience?: number;
}

const PATIENCE_MS = 700;

/** Through two user-space tunnels on a busy host an answer takes some, and only one that never comes takes that long. */
export const PATIENT = { patience: 30_000 };

/** Tries a TCP connection in a namespace: `open`, `timeout`, or the error's code. */
export async function tryTcp(namespace: Namespace, attempt: Attempt): Promise<string> {
  return (await namespace.script(TCP, JSON.stringify({ patience: PATIENCE_MS, ...attempt }))).trim();
}

/** Tries until it is open. The test's own time limit ends it. */
export async function untilOpen(namespace: Namespace, attempt: Attempt): Promise<void> {
  while ((await tryTcp(namespace, attempt)) !== 'open');
}

const TCP = `
import net from 'node:net';
const { address, port, from, uid, patience } = JSON.parse(process.argv[1]);
if (uid !== undefined) process.setuid(uid);
const end = (text) => { console.log(text); process.exit(); };
net.connect({ host: address, port, localAddress: from }, () => end('open')).on('error', (error) => end(error.code));
setTimeout(() => end('timeout'), patience);
`;

/** Listens for TCP on some ports of all addresses, until the namespace is disposed of. */
export async function listen(namespace: Namespace, ports: readonly number[]): Promise<void> {
  const child = namespace.spawn([process.execPath, '--input-type=module', '-e', LISTEN, JSON.stringify(ports)]);
  await once(child.stdout ?? child, 'data');
}

const LISTEN = `
import net from 'node:net';
const ports = JSON.parse(process.argv[1]);
await Promise.all(ports.map((port) => new Promise((done) => net.createServer((s) => s.on('error', () => {})).listen(port, '::', done))));
console.log('listening');
`;

/** Sends a datagram to a port of `to` from each address, on this host itself; gives the source addresses that arrived. */
export async function arrivingUdp(
  namespace: Namespace,
  to: { readonly address: string; readonly port: number },
  from: readonly string[],
): Promise<readonly string[]> {
  const text = await namespace.script(UDP, JSON.stringify({ ...to, from, patience: PATIENCE_MS }));
  return JSON.parse(text) as string[];
}

/** Sends one datagram from this address, which need not be the host's own where ip_nonlocal_bind is set. */
export async function sendUdp(
  namespace: Namespace,
  to: { readonly address: string; readonly port: number },
  from: string,
): Promise<void> {
  await namespace.script(SEND_UDP, JSON.stringify({ ...to, from }));
}

const SEND_UDP = `
import dgram from 'node:dgram';
const { address, port, from } = JSON.parse(process.argv[1]);
const socket = dgram.createSocket('udp6');
await new Promise((done) => socket.bind(0, from, done));
await new Promise((done) => socket.send('x', port, address, done));
socket.close();
`;

const UDP = `
import dgram from 'node:dgram';
const { address, port, from, patience } = JSON.parse(process.argv[1]);
const arrived = [];
// Beside who listens on all addresses.
const server = dgram.createSocket({ type: 'udp6', reuseAddr: true });
server.on('message', (_, remote) => arrived.push(remote.address));
await new Promise((done) => server.bind(port, address, done));
for (const source of from) {
  const socket = dgram.createSocket('udp6');
  await new Promise((done) => socket.bind(0, source, done));
  socket.on('error', () => {});
  await new Promise((done) => socket.send('x', port, address, done));
}
setTimeout(() => { console.log(JSON.stringify(arrived)); process.exit(); }, patience);
`;

/**
 * Sends datagrams to a port until an `echoUdp` there answers: `open`; `timeout` if nothing comes. The source address is
 * the system's own choice.
 */
export async function tryUdp(namespace: Namespace, { address, port, patience }: Attempt): Promise<string> {
  const attempt = { address, port, patience: patience ?? PATIENCE_MS };
  return (await namespace.script(TRY_UDP, JSON.stringify(attempt))).trim();
}

const TRY_UDP = `
import dgram from 'node:dgram';
const { address, port, patience } = JSON.parse(process.argv[1]);
const socket = dgram.createSocket('udp6');
const end = (text) => { console.log(text); process.exit(); };
socket.on('error', () => {}).on('message', () => end('open'));
const say = () => socket.send('x', port, address, () => {});
say();
setInterval(say, 100);
setTimeout(() => end('timeout'), patience);
`;

/** Answers datagrams on some ports of all addresses, until the namespace is disposed of. */
export async function echoUdp(namespace: Namespace, ports: readonly number[]): Promise<void> {
  const child = namespace.spawn([process.execPath, '--input-type=module', '-e', ECHO_UDP, JSON.stringify(ports)]);
  await once(child.stdout ?? child, 'data');
}

const ECHO_UDP = `
import dgram from 'node:dgram';
for (const port of JSON.parse(process.argv[1])) {
  const socket = dgram.createSocket({ type: 'udp6', reuseAddr: true });
  socket.on('message', (text, from) => socket.send(text, from.port, from.address, () => {}));
  await new Promise((done) => socket.bind(port, '::', done));
}
console.log('listening');
`;
