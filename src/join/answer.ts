import { wireEndpoints } from '../domain/endpoints.ts';
import { SiderolinkError } from '../domain/errors.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { OverlayAddress } from '../domain/overlay.ts';
import { sidero } from '../gen/proto.js';

/** What a machine is told when it may join. */
export interface JoinAnswer {
  readonly address: OverlayAddress;
  /** Its virtual address and port if it comes through the gRPC tunnel; null for UDP. */
  readonly tunnel: string | null;
}

/** What every answer says. `endpoints` are `host:port`, best first. */
export interface AnswerOptions {
  readonly endpoints: readonly string[];
  readonly serverKey: PublicKey;
  readonly serverAddress: OverlayAddress;
}

/** Talos parses the server address as a bare address and the node's as a prefix (facts/talos-client.md section 2.1). */
export class AnswerEncoder {
  readonly #options: AnswerOptions;
  readonly #wireEndpoints: string[];

  /** @throws SiderolinkError `configuration` without endpoints: Talos takes an empty list for an error */
  constructor(options: AnswerOptions) {
    if (options.endpoints.length === 0) {
      throw new SiderolinkError('configuration', 'wireguard.endpoints: machines need at least one endpoint to dial');
    }
    this.#options = options;
    this.#wireEndpoints = wireEndpoints(options.endpoints);
  }

  encode({ address, tunnel }: JoinAnswer): Uint8Array {
    const { serverKey, serverAddress } = this.#options;
    return sidero.link.ProvisionResponse.encode({
      // In the tunnel the endpoint is a label only, and the virtual address serves as it (section 2.4).
      server_endpoint: tunnel === null ? this.#wireEndpoints : [tunnel],
      server_public_key: serverKey,
      node_address_prefix: `${address}/64`,
      server_address: serverAddress,
      ...(tunnel !== null && { grpc_peer_addr_port: tunnel }),
    }).finish();
  }
}
