import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Between a client and a server on loopback: changes what clients say. */
export interface Proxy {
  readonly port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @param change what a client says, byte for character, and which of those that said anything it is, from 0 */
export async function startProxy(to: number, change: (text: string, client: number) => string): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let clients = 0;
  const listener = createServer((client) => {
    const server = connect(to, '127.0.0.1');
    let number: number | undefined;
    client.on('data', (data) => {
      number ??= clients++;
      server.write(Buffer.from(change(data.toString('latin1'), number), 'latin1'));
    });
    server.pipe(client);
    for (const [mine, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(mine);
      mine.on('error', () => {});
      mine.once('close', () => other.destroy());
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
