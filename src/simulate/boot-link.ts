import { formatHostPort } from '../domain/host-port.ts';
import type { Clock } from '../lib/clock.ts';
import { GrpcChannel } from './grpc-call.ts';
import { LinkManager, type LinkManagerDeps } from './link-manager.ts';
import type { MachineOptions } from './machine.ts';
import { connectApi, type Network, resolveEndpoint } from './network.ts';
import type { Random } from './random.ts';

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
}

/** The SideroLink controller of one boot, calling the API that the kernel arguments name. */
export function newLinkManager({ machine, uuidSent, uniqueToken }: BootLinkOptions, deps: BootLinkDeps): LinkManager {
  const { profile, args, ca } = machine;
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
