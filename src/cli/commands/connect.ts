import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { errorMessage, SiderolinkError } from '../../domain/errors.ts';
import { formatHostPort, type HostPort } from '../../domain/host-port.ts';
import { type Context, printJson } from '../context.ts';
import { resolveMachine } from '../resolve.ts';
import { printable } from '../text.ts';

export interface ConnectOptions {
  readonly port: number;
  readonly listen: HostPort;
}

/** More at one time than any tool opens; the next are closed at once. */
const MAX_CONNECTIONS = 64;
/** Talos' own API. */
const TALOS_PORT = 50_000;

/** Listens on a local port whose connections lead to a port of the machine, until the user ends it. */
export async function connect(context: Context, text: string, { port, listen }: ConnectOptions): Promise<void> {
  const { client, signal } = context;
  const { server_uuid: uuid, hostname } = await resolveMachine(client, text);
  const name = hostname === null ? uuid : `${uuid} (${printable(hostname)})`;
  await tryOnce(context, uuid, port);

  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (local) => {
    open.add(local);
    local.once('close', () => open.delete(local));
    void relay(context, local, uuid, port);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const address = await listenOn(server, listen);
  if (!/^(?:127\.|\[::1\])/.test(address)) {
    context.err(`${context.style.yellow('warning')}: whoever reaches ${address} reaches the machine's port ${port}\n`);
  }
  if (context.format === 'json') printJson(context, { address, machine: uuid, port });
  else {
    // Alone on stdout, so that a script takes it as it is.
    context.out(`${address}\n`);
    context.err(`leads to port ${port} of ${name}, until Ctrl-C\n${port === TALOS_PORT ? hint(address) : ''}`);
  }
  if (!signal.aborted) await once(signal, 'abort');
  server.close();
  for (const local of open) local.destroy();
}

/** What talosctl takes: in maintenance it dials the nodes themselves, else the endpoint, which asks for the node. */
function hint(address: string): string {
  return (
    `in maintenance:  talosctl --insecure -n ${address} get disks\n` +
    `configured:      talosctl --talosconfig FILE -e ${address} -n MACHINE_ADDRESS version\n`
  );
}

/** Tells a refusal that would meet every connection before anybody waits. A machine that is silent now may come back. */
async function tryOnce({ client, signal, err, style }: Context, uuid: string, port: number): Promise<void> {
  try {
    (await client.connect(uuid, port, signal)).destroy();
  } catch (error) {
    if (!(error instanceof SiderolinkError) || error.code !== 'unavailable' || error.details['status'] !== 504)
      throw error;
    err(`${style.yellow('warning')}: ${printable(errorMessage(error))}; it may come back\n`);
  }
}

async function relay({ client, signal, err }: Context, local: Socket, uuid: string, port: number): Promise<void> {
  local.on('error', () => local.destroy());
  let remote: Socket;
  try {
    remote = await client.connect(uuid, port, signal);
  } catch (error) {
    if (!signal.aborted) err(`siderolinkctl: ${printable(errorMessage(error))}\n`);
    local.resetAndDestroy();
    return;
  }
  // Who ends a side ends it on the other; who breaks breaks both.
  const broken = () => {
    local.destroy();
    remote.destroy();
  };
  for (const socket of [local, remote]) finished(socket).catch(broken);
  local.pipe(remote);
  remote.pipe(local);
}

async function listenOn(server: Server, { host, port }: HostPort): Promise<string> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const where = formatHostPort({ host, port });
    throw new SiderolinkError('unavailable', `cannot listen on ${where}: ${errorMessage(error)}`, {}, { cause: error });
  }
  const { address, port: bound } = server.address() as AddressInfo;
  return formatHostPort({ host: address, port: bound });
}
