import { formatHostPort } from '../domain/host-port.ts';
import type { Clock } from '../lib/clock.ts';
import { GrpcChannel } from './grpc-call.ts';
import type { StreamEnd } from './grpc-stream.ts';
import { LinkManager, type LinkManagerDeps, type OpenTunnel } from './link-manager.ts';
import type { MachineOptions } from './machine.ts';
import { connectApi, type Network, resolveEndpoint } from './network.ts';
import type { Random } from './random.ts';
import { TunnelRelay } from './tunnel-relay.ts';

const PROVISION = '/sidero.link.ProvisionService/Provision';

export interface BootLinkOptions {
  readonly machine: MachineOptions;
  /** The UUID that Provision gets: META may override it. */
  readonly uuidSent: () => string;
  readonly uniqueToken: () => string;
}

export interface BootLinkDeps extends Pick<LinkManagerDeps, 'onProvision' | 'onLink' | 'onError'> {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  /** A stream of WireGuard over gRPC ended. */
  readonly onTunnelEnd?: (end: StreamEnd) => void;
}

/** The SideroLink controller of one boot, calling the API that the kernel arguments name. */
export function newLinkManager({ machine, uuidSent, uniqueToken }: BootLinkOptions, deps: BootLinkDeps): LinkManager {
  const { profile, args } = machine;
  const told = [machine.ca, args.roots].filter((pem) => pem !== undefined);
  const ca = told.length === 0 ? undefined : told.join('\n');
  const openTunnel = async (virtual: string): Promise<OpenTunnel> => {
    const connect = () => connectApi(deps.network, args.api, ca);
    const relay = new TunnelRelay(
      { authority: formatHostPort(args.api), virtual },
      { clock: deps.clock, connect, ...(deps.onTunnelEnd && { onEnd: deps.onTunnelEnd }) },
    );
    return { endpoint: await relay.start(), close: () => relay.close() };
  };
  return new LinkManager(
    { profile },
    {
      ...deps,
      inputs: () => ({
        uuid: uuidSent(),
        joinToken: args.joinToken,
        uniqueToken: uniqueToken(),
        tunnel: args.tunnel,
      }),
      resolve: resolveEndpoint,
      // Of a network without devices nothing could be carried.
      ...(deps.network.carriesTunnel && { openTunnel }),
      // A new connection for each call, closed afterwards, as Talos does.
      provision: async (request, signal) => {
        const connect = () => connectApi(deps.network, args.api, ca);
        const channel = new GrpcChannel({ authority: formatHostPort(args.api) }, { connect });
        try {
          return await channel.unary(PROVISION, request, signal);
        } finally {
          channel.close();
        }
      },
    },
  );
}
