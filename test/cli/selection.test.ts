import { describe, expect, it } from 'vitest';
import { Selection } from '../../src/cli/selection.ts';
import { parseSubject } from '../../src/cli/summary.ts';
import { ControlClient } from '../../src/client/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { uuidOf } from '../control/fakes.ts';
import { startControl } from '../control/harness.ts';

const subject = (id: number, rest: string) => parseSubject('siderolink', `siderolink._.${uuidOf(id)}.${rest}`);

describe('machines chosen by what they are', () => {
  it('are looked at again when they change, or as soon as the daemon answers', async () => {
    const first = await startControl();
    first.machines.add({ id: 1, labels: { role: 'cp' } }, { id: 2, ownership: { owner: 'acme' } });
    const client = new ControlClient({ target: { socket: first.socket } }, { clock: systemClock });
    const selection = await Selection.make(client, [], { selector: 'role=cp' });
    const relabel = (id: number, labels: Record<string, string>) => {
      const machine = first.machines.byId(id);
      if (machine !== undefined) first.machines.put({ ...machine, labels });
    };
    relabel(2, { role: 'cp' });
    expect(await selection.heed(subject(2, 'kmsg.info'))).toBe(false);
    expect(await selection.heed(subject(2, 'machine.changed'))).toBe(false);
    expect(selection.has(uuidOf(2))).toBe(false);
    expect(await selection.heed(subject(2, 'machine.labeled'))).toBe(true);
    expect(selection.has(uuidOf(2))).toBe(true);
    relabel(2, {});
    await first.server.stop(0);
    expect(await selection.heed(subject(2, 'machine.labeled'))).toBe(false);
    expect(selection.has(uuidOf(2))).toBe(true);
    await using _second = await startControl({}, first);
    expect(await selection.heed(subject(2, 'kmsg.info'))).toBe(true);
    expect(selection.has(uuidOf(2))).toBe(false);
    expect(await selection.heed(subject(2, 'kmsg.info'))).toBe(false);
  });

  it('are those of an owner, or of nobody; one that is not there is none', async () => {
    await using control = await startControl();
    control.machines.add({ id: 1 }, { id: 2, ownership: { owner: 'acme' } });
    const client = new ControlClient({ target: { socket: control.socket } }, { clock: systemClock });
    const owned = await Selection.make(client, [], { owner: 'acme' });
    const unowned = await Selection.make(client, [], { owner: '_' });
    expect(owned.machines.map(({ server_uuid }) => server_uuid)).toEqual([uuidOf(2)]);
    expect(unowned.machines.map(({ server_uuid }) => server_uuid)).toEqual([uuidOf(1)]);
    const one = control.machines.byId(1);
    if (one !== undefined) control.machines.put({ ...one, tags: { ...one.tags, ownership: { owner: 'acme' } } });
    expect([
      await owned.heed(subject(1, 'machine.claimed')),
      await unowned.heed(subject(1, 'machine.claimed')),
    ]).toEqual([true, true]);
    expect([owned.has(uuidOf(1)), unowned.has(uuidOf(1))]).toEqual([true, false]);
    expect(await owned.heed(subject(99, 'machine.discovered'))).toBe(false);
  });

  it('that were named stay the same, whatever is told of others', async () => {
    await using control = await startControl();
    control.machines.add({ id: 1, hostname: 'cp-1' }, { id: 2 });
    const client = new ControlClient({ target: { socket: control.socket } }, { clock: systemClock });
    const named = await Selection.make(client, ['cp-1'], {});
    expect(await named.heed(subject(2, 'machine.discovered'))).toBe(false);
    expect(named.machines).toHaveLength(1);
  });
});
