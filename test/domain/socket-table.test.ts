import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { findSocket, SOCKET_TABLES } from '../../src/domain/socket-table.ts';

let cleanup: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanup.reverse()) undo();
  cleanup = [];
});

const inodes = () =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
    } catch {
      // The descriptor with which the directory was read.
      return [];
    }
  });

/** What the kernel's tables say of the sockets that `open` makes. */
async function made<T>(open: () => Promise<T>) {
  const before = new Set(inodes());
  const result = await open();
  const texts = SOCKET_TABLES.map((table) => [table, readFileSync(`/proc/self/net/${table}`, 'latin1')] as const);
  const found = inodes()
    .filter((inode) => !before.has(inode))
    .flatMap((inode) => texts.map(([table, text]) => findSocket(table, text, Number(inode))))
    .filter((socket) => socket !== undefined);
  return { result, found };
}

async function listen(host: string) {
  const server = createServer();
  cleanup.push(() => server.close());
  server.listen({ host, port: 0 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('findSocket, with the tables of a real kernel', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['::', '0:0:0:0:0:0:0:0'],
  ])('knows a TCP socket that listens on %s', async (host, shown) => {
    const { result: port, found } = await made(() => listen(host));
    expect(found).toEqual([{ protocol: 'tcp', address: { host: shown, port }, listening: true }]);
  });

  it('knows a UDP socket', async () => {
    const { result: port, found } = await made(async () => {
      const socket = createSocket('udp6');
      cleanup.push(() => socket.close());
      socket.bind({ address: '::1', port: 0 });
      await once(socket, 'listening');
      return socket.address().port;
    });
    expect(found).toEqual([{ protocol: 'udp', address: { host: '0:0:0:0:0:0:0:1', port }, listening: true }]);
  });

  it('sees that a connection is no socket that takes any', async () => {
    const port = await listen('127.0.0.1');
    const { found } = await made(async () => {
      const socket = connect({ host: '127.0.0.1', port });
      cleanup.push(() => socket.destroy());
      await once(socket, 'connect');
    });
    expect(found.length).toBeGreaterThan(0);
    for (const { listening } of found) expect(listening).toBe(false);
  });
});

const HEADING = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, uid: number, inode: number) =>
  `   0: ${local} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 ${uid}        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;

describe('findSocket', () => {
  it('takes no number of another column for the inode', () => {
    const text = HEADING + row('0100007F:1F91', 4711, 5) + row('0100007F:1F92', 0, 4711);
    expect(findSocket('tcp', text, 4711)?.address.port).toBe(0x1f92);
    expect(findSocket('tcp', text, 100)).toBeUndefined();
    expect(findSocket('tcp', '', 1)).toBeUndefined();
  });
});
