import { expect, it } from 'vitest';
import { desiredPeers } from '../../src/daemon/device.ts';
import { PrivateKey } from '../../src/domain/keys.ts';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import type { Machine } from '../../src/fleet/types.ts';

const UDP = 1;
const TUNNELLED = 2;
const AWAY = 3;
const peers = [UDP, TUNNELLED, AWAY].map((id) => ({
  publicKey: PrivateKey.generate().publicKey,
  address: `fd00::${id}` as OverlayAddress,
}));
const machines = {
  peers: () => peers,
  bySource: (address: string) => ({ id: Number(address.slice('fd00::'.length)), boot: 1 }) as Machine,
};
const statuses = { lastEndpoint: ({ id }: { id: number }) => (id === UDP ? '192.0.2.7:51820' : undefined) };
/** What came by UDP last goes back there, though its stream is open already. */
const streams = { get: (id: number) => (id === AWAY ? null : '192.0.2.8:40000') };

function endpoints(restore_endpoints: boolean): readonly (string | undefined)[] {
  const wireguard = { listen_port: 51_821, endpoints: [], restore_endpoints };
  return desiredPeers({ wireguard }, machines, statuses, streams).map(({ endpoint }) => endpoint);
}

it('a peer that is made anew is sought where its machine was last: by UDP, or in its stream while that is open', () => {
  expect(endpoints(true)).toEqual(['192.0.2.7:51820', '127.64.0.2:21821', undefined]);
});

it('nowhere, where endpoints are not to be restored', () => {
  expect(endpoints(false)).toEqual([undefined, undefined, undefined]);
});
