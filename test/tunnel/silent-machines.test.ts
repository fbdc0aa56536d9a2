import type { RemoteInfo } from 'node:dgram';
import { expect, it } from 'vitest';
import { relayAddress } from '../../src/domain/tunnel.ts';
import { sidero } from '../../src/gen/proto.js';
import * as raw from '../lib/h2/raw-peer.ts';
import { CREATE_STREAM, HEADER, packet, startsWorlds, type TunnelWorld } from './world.ts';

const start = startsWorlds();

it('machines that take nothing hold no more than all may: who takes is sent to', async () => {
  const world = await start({ maxUnsentBytes: 1024 * 1024, maxUnsentBytesInAll: 100_000 });
  const silent = await Promise.all([1, 2, 3, 4].map((id) => silentMachine(world, id)));
  for (let i = 0; i < 400; i++) for (const { place } of silent) await world.device.send(packet(i, 1_312), place);
  await world.until(async () => ((await world.metric('dropped_total'))['slow'] ?? 0) > 0);
  const { sent = 0 } = await world.metric('packets_total');
  expect(sent * 1_312).toBeLessThan(100_000 + 4 * 16 * 1024 + 4 * 1_400);
  const caller = await world.stream(9);
  caller.send(packet(1));
  await world.device.until(({ packets }) => packets.some(({ from }) => from.address === relayAddress(9)));
  const place = world.device.packets.find(({ from }) => from.address === relayAddress(9))?.from;
  if (place === undefined) throw new Error('unreachable');
  await world.device.send(packet(5, 1_312), place);
  await caller.until(({ packets }) => packets.length === 1);
  for (const { peer } of silent) peer.close();
});

it('one of them has no more than 1 MiB', async () => {
  const world = await start();
  const { peer, place } = await silentMachine(world, 1);
  let number = 0;
  // Some at a time: what its socket's buffer has no room for is dropped by the kernel.
  await world.until(async () => {
    for (let i = 0; i < 50; i++) await world.device.send(packet(number++, 1_312), place);
    return ((await world.metric('dropped_total'))['slow'] ?? 0) > 0;
  });
  const { sent = 0 } = await world.metric('packets_total');
  expect(sent * 1_312).toBeLessThanOrEqual(1024 * 1024);
  expect(sent * 1_312).toBeGreaterThan(900 * 1024);
  peer.close();
});

it('a machine that takes nothing hears at once that it was replaced, and leaves nothing that waits', async () => {
  const world = await start();
  // So much room that a packet is begun and not ended.
  const { peer, place } = await silentMachine(world, 1, 2_000);
  for (let i = 0; i < 10; i++) await world.device.send(packet(i, 1_312), place);
  await world.until(async () => (await world.metric('packets_total'))['sent'] === 10);
  await peer.until(() => peer.body(1).length === 2_000);
  await world.stream(1);
  // What was begun is ended first, or what follows could not be read; what else waited is dropped.
  peer.send(raw.frame(raw.WINDOW, 0, 1, raw.u32(100_000)));
  expect(await peer.answer(1)).toBe('10');
  const whole = sidero.link.PeerPacket.encode({ Data: packet(0, 1_312) }).finish().length + 5;
  expect(peer.body(1).length).toBe(2 * whole);
  const { peer: nothing, place: there } = await silentMachine(world, 2, 0);
  for (let i = 0; i < 10; i++) await world.device.send(packet(i, 1_312), there);
  await world.until(async () => (await world.metric('packets_total'))['sent'] === 20);
  await world.stream(2);
  expect(await nothing.answer(1)).toBe('10');
  expect(nothing.body(1).length).toBe(0);
  peer.close();
  nothing.close();
});

/** A machine in the tunnel that takes so many bytes and no more, and where the device finds it. */
async function silentMachine(world: TunnelWorld, id: number, room = 0) {
  const address = `fd00::${id.toString(16)}`;
  world.allowed.set(address, id);
  const peer = new raw.RawPeer(world.port).hello([4, room]);
  const fields: raw.Fields = [...raw.request(CREATE_STREAM), [HEADER, `[${address}]:50888`]];
  const first = sidero.link.PeerPacket.encode({ Data: packet(id) }).finish();
  peer.send(raw.headers(1, fields), raw.data(1, raw.message(Buffer.from(first)), 0));
  const isHere = (from: RemoteInfo) => from.address === relayAddress(id);
  await world.device.until(({ packets }) => packets.some(({ from }) => isHere(from)));
  const place = world.device.packets.find(({ from }) => isHere(from))?.from;
  if (place === undefined) throw new Error('unreachable');
  return { peer, place };
}
