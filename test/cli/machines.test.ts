import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NodeUuid, parseNodeUuid } from '../../src/domain/uuid.ts';
import { NOW, uuidOf } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';
import { ctlHere, type Person } from './harness.ts';

let control: Harness;
beforeEach(async () => {
  control = await startControl();
  control.machines.add(
    { id: 1, ownership: { owner: 'acme', cluster: 'prod' }, hostname: 'cp-1' },
    { id: 2, state: 'pending', hostname: 'w-2', labels: { rack: 'r7', slots: '4' } },
    {
      id: 3,
      state: 'rejected',
      link: 'down',
      hostname: 'w-3',
      lastRefusal: { at: NOW - 9_000, reason: 'rejected', source: '192.0.2.9', count: 40 },
    },
    { id: 4, state: 'removed', link: 'down', hostname: 'w-4' },
    { id: 5, state: 'known', link: 'never', hostname: null },
  );
});
afterEach(() => control[Symbol.asyncDispose]());

const run = (args: readonly string[], person?: Person) => ctlHere(control.socket, args, person);
const machine = (id: number) => control.machines.byId(id);
const stateOf = (id: number) => machine(id)?.state;
const callsOf = (action: string) => control.admin.calls.filter(([name]) => name === action);

/** A provisional machine that calls itself as another does. */
function addNewcomer(id: number, asked: string): void {
  control.machines.add({ id, state: 'provisional', hostname: `new-${id}` });
  const made = machine(id);
  if (made !== undefined) control.machines.put({ ...made, madeFor: asked });
}

describe('machine list and get', () => {
  it.each([
    [['-l', 'rack in (r7, r8), slots > 3'], [2]],
    [['--selector', '!slots', '--owner', 'acme'], [1]],
    [
      ['--state', 'pending', 'rejected'],
      [2, 3],
    ],
    [['--link', 'never'], [5]],
    [['--owner', 'nobody-here'], []],
  ])('%j shows %j', async (args, ids) => {
    const { code, out } = await run(['machine', 'list', '-o', 'json', ...args]);
    expect(code).toBe(0);
    const shown = out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).server_uuid]));
    expect(shown.toSorted()).toEqual(ids.map(uuidOf));
  });

  it('says why a machine was refused last, when and how often', async () => {
    const { out } = await run(['machine', 'get', 'w-3']);
    expect(out).toMatch(/^refused +rejected, 9s ago, from 192\.0\.2\.9, 40 times since it was let in$/m);
    expect((await run(['machine', 'get', 'w-2'])).out).not.toMatch(/^refused/m);
    const { out: json } = await run(['machine', 'get', 'w-3', '-o', 'json']);
    expect(JSON.parse(json).last_refusal).toEqual({
      at: new Date(NOW - 9_000).toISOString(),
      reason: 'rejected',
      source: '192.0.2.9',
      count: 40,
    });
  });

  it('does not say that nothing ever came where only the daemon or the device is young', async () => {
    control.machines.add(
      { id: 6, hostname: 'w-6', isUnheard: true },
      { id: 7, hostname: 'w-7', state: 'removed', link: 'never' },
    );
    const times = async (name: string) =>
      [...(await run(['machine', 'get', name])).out.matchAll(/^last (?:received|handshake) +(.*)$/gm)].map(
        ([, text]) => text,
      );
    expect(await times('w-6')).toEqual(['not since the daemon started', expect.stringMatching(/ \(30s ago\)$/)]);
    expect(await times('w-3')).toEqual([
      'not since the daemon started',
      'not with the WireGuard device that is there now',
    ]);
    expect(await times('w-7')).toEqual(['-', '-']);
    expect(await times(uuidOf(5))).toEqual(['never', 'never']);
  });

  it('says that a newcomer waits for its place, why and for how long', async () => {
    const joinWait = { since: NOW - 9_000, until: NOW + 120_400, source: '192.0.2.9', reason: 'made_anew' } as const;
    control.machines.add(
      { id: 6, hostname: 'w-6', joinWait },
      { id: 7, hostname: 'w-7', joinWait: { ...joinWait, until: NOW - 1, reason: 'asked' } },
    );
    const { out } = await run(['machine', 'get', 'w-6']);
    expect(out).toMatch(
      /^join waits +192\.0\.2\.9 calls itself the same, since 9s: the WireGuard device was made anew, .*; 121 s at most$/m,
    );
    const late = /^join waits .* until it is known whether this machine answers; it is known with its next call$/m;
    expect((await run(['machine', 'get', 'w-7'])).out).toMatch(late);
    expect((await run(['machine', 'get', 'w-2'])).out).not.toMatch(/^join waits/m);
    expect((await run(['status'])).out).toMatch(/^machines .*; 2 wait to join$/m);
  });

  it('a selector that is wrong is explained', async () => {
    const { code, err } = await run(['machine', 'list', '-l', 'rack in r7']);
    expect(code).toBe(2);
    expect(err).toMatch(/selector/);
  });

  it('tells how writing the unique token goes, and what state means', async () => {
    const { out } = await run(['machine', 'get', 'w-2']);
    expect(out).toMatch(/^state +pending: `siderolinkctl machine accept 71233efd\S+` lets it in$/m);
    expect(out).toMatch(/^token write +waiting for 9s, 2 tries in this boot\n +no route$/m);
    expect(out).toMatch(/^unique token +bound: it came back with it$/m);
  });

  it('a machine is also found by what it calls itself', async () => {
    const asked = 'cccccccc-0000-4000-8000-00000000000c';
    control.machines.add({ id: 6, hostname: null, aliases: ['dddddddd-0000-4000-8000-00000000000d'] });
    addNewcomer(7, asked);
    for (const [text, id] of [
      [asked, 7],
      ['dddddddd-0000-4000-8000-00000000000d', 6],
    ] as const) {
      const { out } = await run(['machine', 'get', text]);
      expect(out).toMatch(new RegExp(`^uuid +${uuidOf(id)}$`, 'm'));
    }
    expect((await run(['machine', 'get', uuidOf(6)])).out).toMatch(/^also joins as +dddddddd/m);
  });

  it('a provisional machine says with which one it conflicts, and what to do', async () => {
    addNewcomer(8, uuidOf(1));
    const { out } = await run(['machine', 'get', uuidOf(8)]);
    expect(out).toMatch(new RegExp(`^calls itself +${uuidOf(1)}$`, 'm'));
    expect(out).toMatch(new RegExp(`^conflict +with ${uuidOf(1)} \\(cp-1\\), accepted, link up, which keeps`, 'm'));
    expect(out).toContain(`siderolinkctl machine accept ${uuidOf(8)}`);
    // Its unique token came back, so it knows its UUID.
    expect(out).not.toContain('meta write');
    expect(out).toContain(`siderolinkctl machine remove ${uuidOf(8)}`);
    expect(out).toContain(`siderolinkctl machine reset-token ${uuidOf(1)}`);
    const incumbent = await run(['machine', 'get', 'cp-1']);
    expect(incumbent.out).toMatch(
      new RegExp(`^conflict +${uuidOf(8)} \\(new-8\\) calls itself the same, link up$`, 'm'),
    );
  });

  it('what a machine says of itself makes no line of its own, and stands in no command', async () => {
    control.machines.add({ id: 6, state: 'provisional', hostname: 'w; halt' });
    const made = machine(6);
    if (made === undefined) throw new Error('no machine');
    control.machines.put({ ...made, uniqueToken: 'none', madeFor: 'x\nstate  accepted' });
    const { out } = await run(['machine', 'get', uuidOf(6)]);
    expect(out).toMatch(/^calls itself +x\\x0astate {2}accepted$/m);
    expect(out).toMatch(new RegExp(`^ +talosctl -n ${made.address} meta write 0x0f ${uuidOf(6)}$`, 'm'));
  });

  it('one with a UUID of no use conflicts with nobody; what it sent cannot speak to the terminal', async () => {
    addNewcomer(9, '03000200-0400-0500-0006-000700080009');
    addNewcomer(10, 'Default\u001b[31m string');
    expect((await run(['machine', 'get', uuidOf(9)])).out).toMatch(/^conflict +its UUID is none/m);
    const { out } = await run(['machine', 'get', uuidOf(10)]);
    expect(out).toContain('calls itself    Default\\x1b[31m string');
    expect(out).not.toContain('\u001b');
  });

  it('boots, the newest first', async () => {
    const { code, out, err } = await run(['machine', 'boots', 'w-3']);
    expect(code).toBe(0);
    expect(out).toMatch(/^BOOT +STARTED +AGE +LAST SEQ +CLOCK +MISSING +SEQS$/m);
    expect(err).toContain('no boots');
  });
});

describe('admission', () => {
  it('accepts several, and says what was so already', async () => {
    const first = await run(['machine', 'accept', 'w-2', uuidOf(3), 'cp-1']);
    expect(first.code).toBe(0);
    expect(first.out).toBe(
      `${uuidOf(2)} (w-2) is accepted\n${uuidOf(3)} (w-3) is accepted\n${uuidOf(1)} (cp-1) was accepted already\n`,
    );
    expect([stateOf(2), stateOf(3)]).toEqual(['accepted', 'accepted']);
    const again = await run(['machine', 'accept', 'w-2']);
    expect(again).toMatchObject({ code: 0, out: `${uuidOf(2)} (w-2) was accepted already\n` });
  });

  it('changes nothing if one of them is nobody', async () => {
    const { code, err } = await run(['machine', 'accept', 'w-2', 'nobody']);
    expect(code).toBe(4);
    expect(err).toContain('machine list');
    expect(stateOf(2)).toBe('pending');
  });

  it('one that cannot be changed does not hold up the others', async () => {
    const { code, out, err } = await run(['machine', 'accept', uuidOf(5), 'w-2']);
    expect(code).toBe(5);
    expect(out).toBe(`${uuidOf(2)} (w-2) is accepted\n`);
    expect(err).toMatch(new RegExp(`${uuidOf(5)}: .*has not joined yet.*machine get`));
    expect(err).toMatch(/1 of 2 machines could not be changed/);
  });

  it('rejects, readmits and resets', async () => {
    expect((await run(['machine', 'reject', 'cp-1', 'cp-1'])).out).toMatch(/is rejected: its link is cut/);
    expect(callsOf('reject')).toHaveLength(1);
    expect(stateOf(1)).toBe('rejected');
    expect((await run(['machine', 'readmit', uuidOf(4)])).out).toMatch(/may join again, with its address fdae:/);
    expect((await run(['machine', 'readmit', uuidOf(2)])).out).toMatch(/was not removed: it is pending/);
    expect((await run(['machine', 'reset-token', 'w-2'])).out).toMatch(/has no unique token any more/);
    expect((await run(['machine', 'reset-token', 'w-2'])).out).toMatch(/had no unique token$/m);
  });

  it('accepting one that was rejected before it ever joined makes it known again', async () => {
    await run(['machine', 'reject', uuidOf(5)]);
    expect((await run(['machine', 'accept', uuidOf(5)])).out).toBe(
      `${uuidOf(5)} is known again, and accepted when it joins\n`,
    );
  });

  it('-o json prints the machine after the change', async () => {
    const { out } = await run(['machine', 'accept', 'w-2', '-o', 'json']);
    expect(JSON.parse(out)).toMatchObject({ server_uuid: uuidOf(2), state: 'accepted' });
  });
});

describe('machine add', () => {
  const fresh = uuidOf(99);

  it('makes it known, once', async () => {
    const first = await run([
      'machine',
      'add',
      fresh.toUpperCase(),
      '--owner',
      'acme',
      '--label',
      'rack=r7',
      '--label',
      'a=b',
    ]);
    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/is known; its address is fdae:/) });
    expect(machine(99)).toMatchObject({ state: 'known', labels: { rack: 'r7', a: 'b' } });
    expect(machine(99)?.tags.ownership).toEqual({ owner: 'acme' });
    const again = await run(['machine', 'add', fresh, '--owner', 'acme', '--label', 'rack=r7', '--label', 'a=b']);
    expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/was known so already/) });
    const other = await run(['machine', 'add', fresh, '--owner', 'globex']);
    expect(other.out).toMatch(/was known already, and is now as given/);
  });

  it('prints the unique token alone on stdout', async () => {
    const { out, err } = await run(['machine', 'add', fresh, '--unique-token']);
    expect(out).toBe('dW5pcXVl\n');
    expect(err).toMatch(/SideroLinkConfig\.uniqueToken; this is the only time/);
  });

  it.each([
    ['add', '1234\u001b[31m'],
    ['get', 'no\u001b[31m\u202ebody'],
  ])('machine %s echoes %j harmlessly', async (command, text) => {
    const { code, err } = await run(['machine', command, text]);
    expect(code).toBeGreaterThan(0);
    expect(err).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  });

  it('says what to do with one that joined', async () => {
    const { code, err } = await run(['machine', 'add', uuidOf(1)]);
    expect(code).toBe(5);
    expect(err).toMatch(/machine claim.*machine label/);
  });
});

describe('ownership', () => {
  it('claims on what was seen', async () => {
    const { code, out } = await run(['machine', 'claim', 'w-2', '--owner', 'acme', '--metal-machine', 'mm-1']);
    expect(code).toBe(0);
    expect(out).toBe(`${uuidOf(2)} (w-2) belongs to acme (metal machine mm-1)\n`);
    expect(callsOf('claim')[0]?.[2]).toBe(7);
    const again = await run(['machine', 'claim', 'w-2', '--owner', 'acme', '--metal-machine', 'mm-1']);
    expect(again.out).toMatch(/belonged to acme \(metal machine mm-1\) already/);
  });

  it("takes another owner's only with --transfer", async () => {
    const refused = await run(['machine', 'claim', 'cp-1', '--owner', 'globex']);
    expect(refused.code).toBe(5);
    expect(refused.err).toMatch(/belongs to "acme"; --transfer takes it/);
    expect(callsOf('claim')).toEqual([]);
    const taken = await run(['machine', 'claim', 'cp-1', '--owner', 'globex', '--transfer']);
    expect(taken.out).toBe(`${uuidOf(1)} (cp-1) belongs to globex, no more to acme\n`);
    expect(machine(1)?.tags.ownership).toEqual({ owner: 'globex' });
  });

  it.each([[['claim', 'cp-1', '--owner', 'acme']], [['release', 'cp-1']]])(
    '%j on an older version says what to do next',
    async (args) => {
      const { code, err } = await run(['machine', ...args, '--if-version', '3']);
      expect(code).toBe(5);
      expect(err).toMatch(new RegExp(`machine get ${uuidOf(1)}.*try again`));
      expect(machine(1)?.tags.ownership).toEqual({ owner: 'acme', cluster: 'prod' });
    },
  );

  it('releases, and again', async () => {
    const first = await run(['machine', 'release', 'cp-1']);
    expect(first.out).toBe(`${uuidOf(1)} (cp-1) belongs to nobody, no more to acme (cluster prod)\n`);
    expect((await run(['machine', 'release', 'cp-1'])).out).toMatch(/belonged to nobody already/);
  });

  it('sets the way of their packets, and gives that back to the configuration', async () => {
    const { code, out } = await run(['machine', 'tunnel', 'force', 'cp-1', 'w-2']);
    expect(code).toBe(0);
    expect(out.match(/has the tunnel setting force, from its next call of Provision on$/gm)).toHaveLength(2);
    expect([machine(1)?.tunnel, machine(2)?.tunnel]).toEqual(['force', 'force']);
    expect((await run(['machine', 'get', 'cp-1'])).out).toMatch(/^tunnel +force$/m);
    expect((await run(['machine', 'tunnel', 'force', 'cp-1'])).out).toMatch(/had the tunnel setting force already$/m);
    await run(['machine', 'tunnel', 'inherit', 'cp-1']);
    expect(machine(1)?.tunnel).toBeNull();
    expect((await run(['machine', 'tunnel', 'on', 'cp-1'])).code).toBe(2);
  });

  it('sets and unsets labels as kubectl does', async () => {
    const { code, out } = await run(['machine', 'label', 'w-2', 'rack=r8', 'example.com/role=cp', 'slots-', 'none-']);
    expect(code).toBe(0);
    expect(machine(2)?.labels).toEqual({ rack: 'r8', 'example.com/role': 'cp' });
    expect(out).toMatch(/has the labels rack=r8,example\.com\/role=cp$/m);
    expect((await run(['machine', 'label', 'w-2', 'rack=r8'])).out).toMatch(/had the labels .* already/);
  });

  it.each([
    [['rack'], /key=value to set a label, or key- /],
    [['-bad=1'], /unknown option/],
    [['a b=1'], /no label/],
    [['rack=r1', 'rack-'], /set and unset at once/],
    [[], /missing required argument/],
  ])('label %j is refused', async (args, message) => {
    const { code, err } = await run(['machine', 'label', 'w-2', ...args]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(machine(2)?.labels).toEqual({ rack: 'r7', slots: '4' });
  });
});

describe('machine remove', () => {
  it('asks a person, who may say no', async () => {
    const no = await run(['machine', 'remove', 'cp-1', 'w-2'], { answer: '' });
    expect(no).toMatchObject({ code: 0, out: '', questions: ['Remove these 2 machines? [y/N] '] });
    expect(no.err).toMatch(/cp-1\), accepted, link up\n.*w-2.*\nnothing is removed\n/);
    expect(stateOf(1)).toBe('accepted');
    const yes = await run(['machine', 'remove', 'cp-1'], { answer: 'Y\n' });
    expect(yes.out).toBe(`${uuidOf(1)} (cp-1) is removed; \`machine readmit\` brings it back with its address\n`);
    expect(stateOf(1)).toBe('removed');
  });

  it('needs --yes where nobody can be asked', async () => {
    const { code, err } = await run(['machine', 'remove', 'cp-1']);
    expect(code).toBe(2);
    expect(err).toContain('--yes');
    expect(stateOf(1)).toBe('accepted');
    expect((await run(['machine', 'remove', 'cp-1', '--yes'])).code).toBe(0);
  });

  it('again is fine, and asks nothing', async () => {
    expect(await run(['machine', 'remove', uuidOf(4)])).toMatchObject({
      code: 0,
      out: `${uuidOf(4)} (w-4) was removed already\n`,
    });
  });

  it('--records deletes what is stored, also of one that is gone, and asks for that', async () => {
    const { questions, out } = await run(['machine', 'remove', uuidOf(4), '--records'], { answer: 'yes' });
    expect(questions).toEqual(['Remove this machine and delete all logs and events of it? [y/N] ']);
    expect(out).toMatch(/was removed already; its records are deleted/);
    const deleted: readonly string[] = control.admin.recordsDeleted;
    expect(deleted).toEqual([parseNodeUuid(uuidOf(4)) satisfies NodeUuid]);
  });
});
