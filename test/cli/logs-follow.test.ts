import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { uuidOf } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';
import { ctlHere, type Person } from './harness.ts';

let control: Harness;
beforeEach(async () => {
  control = await startControl();
  control.machines.add({ id: 1, hostname: 'cp-1' }, { id: 2, hostname: 'w-2' }, { id: 3, hostname: 'w-3' });
});
afterEach(() => control[Symbol.asyncDispose]());

function add(machine: number, rest: string, body: Record<string, unknown>, boot = 1): void {
  control.log.append({ subject: `siderolink._.${uuidOf(machine)}.${rest}`, machine, body, boot });
}

const line = (id: number, msg: string, boot = 1) => add(id, 'kmsg.info', { msg, clock: 1 }, boot);
const run = (args: string[], person?: Person) => ctlHere(control.socket, args, person);
const clock = '[    0.000001]';

describe('logs -f', () => {
  it('shows what is stored and what comes, once each, until its machines are removed', async () => {
    line(1, 'stored');
    line(3, 'of another');
    const done = run(['logs', '-f', 'cp-1', 'w-2', '--time', 'boot']);
    await control.log.untilFollowing(1);
    line(2, 'comes');
    add(1, 'machine.removed', { by: 'admin' });
    add(1, 'machine.readmitted', { by: 'admin' });
    line(3, 'of another');
    line(1, 'is back', 2);
    add(1, 'machine.removed', { by: 'admin' });
    add(2, 'machine.removed', {});
    const { code, out, err } = await done;
    expect(code).toBe(0);
    expect(out).toBe(
      `cp-1 ${clock} stored\nw-2  ${clock} comes\ncp-1 -- boot 2, 2026-11-21 12:00:00.000 --\ncp-1 ${clock} is back\n`,
    );
    const removed = (who: string) => `siderolinkctl: ${who}: nothing comes of it any more\n`;
    expect(err).toBe(
      removed('cp-1 was removed by admin') + removed('cp-1 was removed by admin') + removed('w-2 was removed'),
    );
  });

  it('leaves out what has not the text, nor the boot', async () => {
    const done = run(['logs', '-f', 'cp-1', '--grep', 'THIS', '--boot', '0', '--time', 'boot']);
    await control.log.untilFollowing(1);
    line(1, 'this', 0);
    line(1, 'that');
    line(1, 'this <one>');
    line(1, 'this too', 2);
    add(1, 'machine.removed', {});
    expect((await done).out).toBe(`${clock} this <one>\n-- boot 2, 2026-11-21 12:00:00.000 --\n${clock} this too\n`);
  });

  it('takes in machines that come to be chosen, and lets go of those that are not any more', async () => {
    const end = new AbortController();
    let seen = () => {};
    const person: Person = { signal: end.signal, onOut: (text) => (text.includes('until here') ? seen() : undefined) };
    const shown = () =>
      new Promise<void>((resolve) => {
        seen = resolve;
      });
    const done = run(['logs', '-f', '-l', 'role=cp', '--time', 'boot'], person);
    await control.log.untilFollowing(1);
    const label = (id: number, labels: Record<string, string>) => {
      const machine = control.machines.byId(id);
      if (machine !== undefined) control.machines.put({ ...machine, labels });
      add(id, 'machine.labeled', { by: 'admin' });
    };
    const first = shown();
    line(1, 'before');
    label(1, { role: 'cp' });
    line(1, 'while');
    line(2, 'of another');
    line(1, 'until here');
    await first;
    const second = shown();
    label(1, {});
    line(1, 'after');
    label(2, { role: 'cp' });
    line(2, 'until here');
    await second;
    end.abort();
    expect((await done).out).toBe(`cp-1 ${clock} while\ncp-1 ${clock} until here\nw-2 ${clock} until here\n`);
  });

  it('shows no others, however many machines were named', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => index + 10);
    control.machines.add(...ids.map((id) => ({ id, hostname: `m-${id}` })));
    const done = run(['logs', '-f', ...ids.map((id) => `m-${id}`), '--time', 'boot']);
    await control.log.untilFollowing(1);
    line(1, 'of another');
    line(21, 'wanted');
    for (const id of [1, ...ids]) add(id, 'machine.removed', {});
    const { out, err } = await done;
    expect(out).toBe(`m-21 ${clock} wanted\n`);
    expect(err.match(/was removed/g)).toHaveLength(12);
  });

  it('goes on where it was when the daemon comes back, and says so once', async () => {
    const done = run(['logs', '-f', 'cp-1', '--time', 'boot']);
    await control.log.untilFollowing(1);
    line(1, 'first');
    await control.server.stop(1_000);
    line(1, 'meanwhile');
    await using second = await startControl({}, control);
    add(1, 'machine.removed', {});
    const { out, err } = await done;
    expect(out).toBe(`${clock} first\n${clock} meanwhile\n`);
    expect(err.match(/trying to resume/g)).toHaveLength(1);
    expect(err.match(/resumed\n/g)).toHaveLength(1);
    expect(second.log).toBe(control.log);
  });
});

describe('events -f', () => {
  it('of several machines', async () => {
    add(1, 'event.SequenceEvent', { sequence: 'boot', action: 'START' });
    const done = run(['events', '-f', 'cp-1', 'w-2', '--tail', '1']);
    await control.log.untilFollowing(1);
    add(2, 'event.ConfigLoadErrorEvent', { error: 'line 1\nline 2' });
    add(1, 'kmsg.info', { msg: 'no event' });
    add(1, 'machine.removed', {});
    add(2, 'machine.removed', {});
    const time = '2026-11-21 12:00:00.000';
    expect((await done).out).toBe(
      [
        `cp-1 ${time}  sequence boot START`,
        `w-2  ${time}  configuration does not load: line 1`,
        `${' '.repeat(30)}line 2`,
        '',
      ].join('\n'),
    );
  });
});
