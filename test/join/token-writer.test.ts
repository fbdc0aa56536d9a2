import { describe, expect, it } from 'vitest';
import { machine as wire } from '../../src/gen/proto.js';
import { MachineApi } from '../../src/talos/machine-api.ts';
import { answer, apiServer, metaWritten } from '../talos/server.ts';
import { Hall } from './token-writer-hall.ts';

const PROVISIONAL = { state: 'provisional', madeFor: 'junk', knowsUuid: false } as const;

/** What was asked of machines, as `machine.boot key`. */
const asked = (hall: Hall) => hall.wrote.map(({ machine, boot, key }) => `${machine}.${boot} ${key}`);

async function count(hall: Hall, value: string, result: string): Promise<number> {
  const metric = await hall.registry.getSingleMetric('siderolinkd_join_meta_writes_total')?.get();
  const found = metric?.values.find(({ labels }) => labels['value'] === value && labels['result'] === result);
  return found?.value ?? 0;
}

describe('UniqueTokenWriter', () => {
  it('writes a token that was offered before, once the machine reports maintenance', async () => {
    const hall = new Hall();
    hall.add(1);
    hall.writer();
    await hall.clock.advance(600_000);
    expect(hall.offered).toEqual([]);
    expect(hall.writes.get(1)).toBeNull();
    hall.report(1);
    await hall.clock.advance(0);
    expect(hall.current).toMatchObject({ machine: 1, key: 16, value: hall.offered[0] });
    expect(hall.machine(1).uniqueToken).toBe('offered');
    expect(hall.writes.get(1)).toMatchObject({ state: 'writing', tries: 0 });
    hall.current.end('ok');
    await hall.clock.advance(600_000);
    expect(asked(hall)).toEqual(['1.1 16']);
    expect(hall.writes.get(1)).toMatchObject({ state: 'written', tries: 1, lastError: null });
    expect(await count(hall, 'unique_token', 'written')).toBe(1);
  });

  it('writes the token and then the assigned UUID to a provisional identity', async () => {
    const hall = new Hall();
    hall.add(1, PROVISIONAL);
    hall.writer();
    hall.answer = 'ok';
    hall.report(1);
    await hall.clock.advance(0);
    expect(hall.wrote.map(({ key, value }) => [key, value])).toEqual([
      [16, hall.offered[0]],
      [15, hall.machine(1).uuid],
    ]);
    expect(await count(hall, 'uuid', 'written')).toBe(1);
    // It joins again as itself.
    hall.change(1, { state: 'accepted', knowsUuid: true, uniqueToken: 'bound' });
    await hall.clock.advance(600_000);
    expect(hall.wrote).toHaveLength(2);
    expect(hall.writes.get(1)).toMatchObject({ state: 'written', tries: 2 });
  });

  it('considers at its start what machines reported before, but not in a former boot', async () => {
    const before = new Hall();
    const rows = [1, 2, 3].map((id) => {
      before.add(id);
      return before.report(id, id === 3 ? 'RUNNING' : 'MAINTENANCE');
    });
    const hall = new Hall(rows);
    for (const id of [1, 3]) hall.add(id);
    hall.add(2, { boot: 2 });
    hall.writer();
    await hall.clock.advance(0);
    expect(asked(hall)).toEqual(['1.1 16']);
  });

  it('loses nothing by a crash between offer and write: the next run writes another token', async () => {
    const crashed = new Hall();
    crashed.add(1);
    crashed.writer();
    const row = crashed.report(1);
    await crashed.clock.advance(0);
    const [lost] = crashed.offered;
    const hall = new Hall([row]);
    hall.add(1, { uniqueToken: 'offered' });
    hall.offered.push(String(lost));
    hall.answer = 'ok';
    hall.writer();
    await hall.clock.advance(0);
    expect(hall.offered).toHaveLength(2);
    expect(hall.wrote.map(({ value }) => value)).toEqual([hall.offered[1]]);
  });

  it('tries ten times in a boot, from 2 s to 5 min apart, each time with another token', async () => {
    const hall = new Hall();
    hall.add(1);
    hall.writer();
    hall.answer = 'timeout';
    hall.report(1);
    for (let minutes = 0; minutes < 60; minutes += 1) {
      // It says so again and again: no reason to hurry.
      hall.report(1);
      await hall.clock.advance(60_000);
    }
    const gaps = hall.wrote.map(({ at }, index) => (at - (hall.wrote[index - 1]?.at ?? 0)) / 1_000);
    expect(gaps).toEqual([0, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    expect(new Set(hall.wrote.map(({ value }) => value)).size).toBe(10);
    expect(hall.writes.get(1)).toMatchObject({ state: 'given_up', tries: 10, lastError: 'it is timeout' });
    hall.boot(1);
    expect(hall.writes.get(1)).toBeNull();
    hall.report(1);
    await hall.clock.advance(0);
    expect(hall.wrote.at(-1)).toMatchObject({ boot: 2 });
  });

  it('does not count what could not be stored as a try', async () => {
    const hall = new Hall();
    hall.add(1);
    hall.writer();
    hall.failingOffers = 12;
    hall.report(1);
    await hall.clock.advance(0);
    expect(hall.writes.get(1)).toMatchObject({ state: 'waiting', tries: 0, lastError: 'disk full' });
    await hall.clock.advance(3_600_000);
    expect(asked(hall)).toEqual(['1.1 16']);
    expect(await count(hall, 'unique_token', 'not_tried')).toBe(12);
  });

  it('leaves a machine alone that wants a certificate, until it reports maintenance again', async () => {
    const hall = new Hall();
    hall.add(1);
    hall.writer();
    hall.report(1);
    await hall.clock.advance(0);
    hall.current.end('certificate_demanded');
    await hall.clock.advance(3_600_000);
    expect(hall.wrote).toHaveLength(1);
    expect(hall.writes.get(1)).toMatchObject({ state: 'wants_certificate', tries: 1 });
    hall.report(1, 'RUNNING');
    await hall.clock.advance(0);
    expect(hall.writes.get(1)).toMatchObject({ state: 'idle', tries: 1 });
    hall.report(1);
    await hall.clock.advance(0);
    expect(hall.wrote).toHaveLength(2);
  });

  it('gives up at once where MetaWrite is not implemented', async () => {
    const hall = new Hall();
    hall.add(1);
    hall.writer();
    hall.answer = 'unimplemented';
    hall.report(1);
    await hall.clock.advance(0);
    hall.report(1);
    await hall.clock.advance(3_600_000);
    expect(hall.wrote).toHaveLength(1);
    expect(hall.writes.get(1)).toMatchObject({ state: 'given_up', tries: 1 });
  });

  const ends: readonly [what: string, end: (hall: Hall) => void][] = [
    ['its machine is removed', (hall) => hall.change(1, { state: 'removed' }, 'removed')],
    ['its machine is rejected', (hall) => hall.change(1, { state: 'rejected' }, 'removed')],
    ['its machine has booted', (hall) => hall.boot(1)],
    ['its machine leaves maintenance', (hall) => void hall.report(1, 'INSTALLING')],
  ];
  it.each(ends)('ends a write at once when %s', async (_, end) => {
    const hall = new Hall();
    hall.add(1);
    hall.writer();
    hall.report(1);
    await hall.clock.advance(0);
    const { signal } = hall.current;
    end(hall);
    expect(signal.aborted).toBe(true);
    await hall.clock.advance(3_600_000);
    expect(hall.wrote).toHaveLength(1);
    expect(await count(hall, 'unique_token', 'aborted')).toBe(1);
  });

  it.each(ends)('does not begin to write when %s while the token is stored', async (_, end) => {
    const hall = new Hall();
    hall.add(1);
    hall.writer();
    const stored = Promise.withResolvers<void>();
    hall.offerGate = stored.promise;
    hall.report(1);
    await hall.clock.advance(0);
    end(hall);
    stored.resolve();
    await hall.clock.advance(3_600_000);
    expect(hall.offered).toHaveLength(1);
    expect(hall.wrote).toEqual([]);
  });

  it('does not begin to write when the machine comes back with a token while the next is stored', async () => {
    const hall = new Hall();
    hall.add(1, { uniqueToken: 'offered' });
    hall.writer();
    const stored = Promise.withResolvers<void>();
    hall.offerGate = stored.promise;
    hall.report(1);
    await hall.clock.advance(0);
    hall.change(1, { uniqueToken: 'bound' });
    stored.resolve();
    await hall.clock.advance(3_600_000);
    expect(hall.wrote).toEqual([]);
  });

  it('does not end a write by the machine coming back with what it was written', async () => {
    const hall = new Hall();
    hall.add(1);
    hall.writer();
    hall.report(1);
    await hall.clock.advance(0);
    hall.change(1, { uniqueToken: 'bound' });
    expect(hall.current.signal.aborted).toBe(false);
    hall.current.end('ok');
    await hall.clock.advance(0);
    expect(hall.writes.get(1)).toMatchObject({ state: 'written' });
  });

  it('forgets a machine that is removed, also in what people see', async () => {
    const hall = new Hall();
    hall.add(1);
    hall.writer();
    hall.answer = 'refused';
    hall.report(1);
    await hall.clock.advance(0);
    expect(hall.writes.size).toBe(1);
    hall.change(1, { state: 'removed' }, 'removed');
    expect(hall.writes.size).toBe(0);
    await hall.clock.advance(3_600_000);
    expect(hall.wrote).toHaveLength(1);
  });

  it('logs failures once a minute, and never a token', async () => {
    const hall = new Hall();
    hall.add(1);
    hall.writer();
    hall.answer = 'broken';
    hall.report(1);
    await hall.clock.advance(40_000);
    expect(hall.wrote).toHaveLength(5);
    expect(hall.logged).toHaveLength(1);
    expect(JSON.parse(hall.logged[0] ?? '')).toMatchObject({ uuid: hall.machine(1).uuid, reason: 'broken', meta: 16 });
    hall.answer = 'ok';
    await hall.clock.advance(300_000);
    expect(hall.writes.get(1)).toMatchObject({ state: 'written', tries: 6, lastError: null });
    expect(hall.logged).toHaveLength(2);
    for (const line of hall.logged) for (const token of hall.offered) expect(line).not.toContain(token);
  });

  it('writes over a real connection', async () => {
    const got: string[] = [];
    await using server = await apiServer((stream, { message }) => {
      const { key, value } = wire.MetaWriteRequest.decode(message);
      got.push(`${key} ${Buffer.from(value ?? []).toString()}`);
      answer(stream, metaWritten());
    });
    const hall = new Hall();
    const { uuid } = hall.add(1, { ...PROVISIONAL, address: '::1' as never });
    const metaWrites = new MachineApi({ localAddress: '::1', port: server.port });
    const told = Promise.withResolvers<void>();
    const writes = {
      get: (id: number) => hall.writes.get(id),
      set: (...args: Parameters<typeof hall.writes.set>) => {
        hall.writes.set(...args);
        if (args[1].state === 'written') told.resolve();
      },
      forget: (id: number) => hall.writes.forget(id),
    };
    hall.writer({}, { api: metaWrites, writes });
    hall.report(1);
    await told.promise;
    expect(got).toEqual([`16 ${hall.offered[0]}`, `15 ${uuid}`]);
  });
});
