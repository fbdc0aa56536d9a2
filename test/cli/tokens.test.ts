import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NOW, uuidOf } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';
import { ctlHere, type Person } from './harness.ts';

let control: Harness;
beforeEach(async () => {
  control = await startControl();
  control.machines.add({ id: 1, hostname: 'cp-1' }, { id: 2, link: 'down', hostname: 'w\u001b-2' });
});
afterEach(() => control[Symbol.asyncDispose]());

const run = (args: readonly string[], person?: Person) => ctlHere(control.socket, ['token', ...args], person);
const token = (id: string) => control.tokens.get(id);

/** Makes a token whose revocation cuts both machines. */
async function tokenThatCuts(): Promise<string> {
  const { out } = await run(['create', 'rack 7']);
  const id = out.split('.')[0] ?? '';
  control.tokens.cuts.set(id, [...control.machines.all()]);
  return id;
}

describe('token create', () => {
  it('confers what is given', async () => {
    const { code, out, err } = await run([
      ...['create', 'acme', '--expires', '30d', '--max-uses', '3', '--uuid', uuidOf(7).toUpperCase()],
      ...['--owner', 'acme', '--cluster', 'prod', '--label', 'rack=r7', '--label', 'a='],
    ]);
    expect(code).toBe(0);
    expect(out).toBe('t1.c2VjcmV0\n');
    expect(err).toMatch(/^join token t1; this is the only time/);
    expect(token('t1')).toMatchObject({
      name: 'acme',
      expiresAt: NOW + 30 * 86_400_000,
      maxUses: 3,
      nodeUuid: uuidOf(7),
      ownership: { owner: 'acme', cluster: 'prod' },
      labels: { rack: 'r7', a: '' },
    });
  });

  it('takes an expiry beyond all calendars for the last moment that can be written', async () => {
    expect((await run(['create', '--expires', '99999999d'])).code).toBe(0);
    expect(token('t1')?.expiresAt).toBe(Date.parse('9999-12-31T23:59:59.999Z'));
  });

  it.each([
    [['--uuid', '1234'], /no UUID/],
    [['--label', 'rack'], /key=value/],
    [['--label', 'rack=-'], /label value/],
    [['--max-uses', '0'], /whole number from 1/],
    [['--expires', '1M'], /neither a duration/],
  ])('%j is refused', async (args, message) => {
    const { code, err } = await run(['create', 'x', ...args]);
    expect([code, control.tokens.list()]).toEqual([2, []]);
    expect(err).toMatch(message);
  });
});

describe('token list and get', () => {
  it('a list shows what is left, rounded as people do', async () => {
    await run(['create', 'rack 7', '--expires', '30d', '--owner', 'acme']);
    const { out } = await run(['list']);
    expect(out).toMatch(/^ID +NAME +STATE +USES +EXPIRES +LAST USED +OWNER +AGE$/m);
    expect(out).toMatch(/^t1 +rack 7 +valid +0 +in 30d +- +acme +0s$/m);
    expect((await run(['list', '-o', 'wide'])).out).toMatch(/CUTS +UUID +LABELS +ROTATES/);
    const [line] = (await run(['list', '-o', 'json'])).out.trimEnd().split('\n');
    expect(JSON.parse(line ?? '')).toMatchObject({ id: 't1', owner: 'acme', cuts: 0 });
  });

  it('none says how to make one', async () => {
    expect((await run(['list'])).err).toContain('token create');
  });

  it('get names the machines that a revocation would cut', async () => {
    const id = await tokenThatCuts();
    const { code, out } = await run(['get', id]);
    expect(code).toBe(0);
    expect(out).toMatch(/^cuts +2 machines, were it revoked$/m);
    expect(out).toMatch(/^gives ownership +nobody$/m);
    expect(out).toMatch(new RegExp(`^${uuidOf(2)} +w\\\\x1b-2 +accepted +down`, 'm'));
    expect(out).not.toContain('\u001b');
    expect(JSON.parse((await run(['get', id, '-o', 'json'])).out)).toMatchObject({ id, cuts: 2 });
  });

  it.each(['get', 'revoke'])('%s of none says where all are', async (command) => {
    const { code, err } = await run([command, 'nope']);
    expect(code).toBe(4);
    expect(err).toContain('token list');
  });
});

describe('token revoke', () => {
  it('asks a person when machines are cut', async () => {
    const id = await tokenThatCuts();
    const no = await run(['revoke', id], { answer: 'n' });
    expect(no).toMatchObject({ code: 0, out: '' });
    expect(no.questions).toEqual([`Revoke ${id}? 2 machines could not join again at the next boot. [y/N] `]);
    expect(no.err).toMatch(/cp-1.*\n.*nothing is revoked\n$/s);
    expect(token(id)?.revokedAt).toBeNull();
    const yes = await run(['revoke', id], { answer: 'yes' });
    expect(yes.out).toMatch(/is revoked; links stay up, and 2 machines cannot join again/);
    expect(token(id)?.revokedAt).toBe(NOW);
    expect(await run(['revoke', id], { answer: '' })).toMatchObject({
      out: `join token ${id} was revoked already\n`,
      questions: [],
    });
  });

  it('needs --yes where nobody can be asked, and says whom it would cut', async () => {
    const id = await tokenThatCuts();
    expect(await run(['revoke', id])).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/cp-1.*--yes/s) });
    expect(token(id)?.revokedAt).toBeNull();
    expect(await run(['revoke', id, '--yes'])).toMatchObject({ code: 0, out: expect.stringMatching(/2 machines/) });
    expect(await run(['revoke', id])).toMatchObject({ code: 0, out: `join token ${id} was revoked already\n` });
  });

  it('asks nobody with --yes, nor when none is cut', async () => {
    const id = await tokenThatCuts();
    expect((await run(['revoke', id, '--yes'], { answer: 'n' })).questions).toEqual([]);
    await run(['create', 'unused']);
    await run(['create', 'unused too']);
    for (const [name, person] of [['t2', { answer: 'n' }] as const, ['t3'] as const]) {
      const { questions, out } = await run(['revoke', name], person);
      expect([questions, out]).toEqual([[], `join token ${name} is revoked; links stay up, and it cuts no machine\n`]);
    }
  });
});

describe('the beginning of an id', () => {
  const LONG = ['k3xT0aPqRs12', 'k3xTzzPqRs12', 'Zq0000000000'];
  beforeEach(async () => {
    control.tokens.ids.push(...LONG);
    for (const name of ['rack 7', 'rack 8', '']) await control.tokens.create({ name }, 'test');
  });

  it('is enough where only one begins so, in its own case', async () => {
    expect(JSON.parse((await run(['get', 'k3xT0', '-o', 'json'])).out)).toMatchObject({ id: LONG[0] });
    expect(await run(['revoke', 'k3xTz'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^join token k3xTzzPqRs12 is revoked/),
    });
    expect(LONG.map((id) => token(id)?.revokedAt)).toEqual([null, NOW, null]);
    expect((await run(['rotate', 'Z', '--overlap', '0'])).err).toMatch(
      /takes the place of Zq0000000000, which has ended/,
    );
    expect((await run(['delete', 'k3xTz'])).out).toBe('join token k3xTzzPqRs12 is deleted\n');
    expect(await run(['get', 'K3XT0'])).toMatchObject({ code: 4, out: '' });
  });

  it.each(['get', 'revoke', 'delete', 'rotate'])('of several is refused by %s, which names them', async (command) => {
    const { code, out, err } = await run([command, 'k3xT', ...(command === 'rotate' ? ['--overlap', '0'] : [])]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/"k3xT" may be any of 2 join tokens: k3xT0aPqRs12 .*, k3xTzzPqRs12 .*give more of the id/);
    expect(LONG.map((id) => token(id)?.revokedAt)).toEqual([null, null, null]);
  });

  it('is nothing at all for none', async () => {
    expect(await run(['get', ''])).toMatchObject({ code: 4, err: expect.stringMatching(/no join token is ""/) });
  });
});

describe('token rotate and delete', () => {
  it('prints the new secret alone, and lets the old one end', async () => {
    await run(['create', 'rack 7', '--owner', 'acme']);
    const { code, out, err } = await run(['rotate', 't1', '--overlap', '7d', '--expires', '90d']);
    expect(code).toBe(0);
    expect(out).toBe('t2.c2VjcmV0\n');
    expect(err).toMatch(/^join token t2 takes the place of t1, which ends in 7d at the latest;/);
    expect(token('t1')?.expiresAt).toBe(NOW + 7 * 86_400_000);
    expect(token('t2')).toMatchObject({ rotates: 't1', expiresAt: NOW + 90 * 86_400_000 });
    expect((await run(['get', 't2'])).out).toMatch(/^takes the place of +t1$/m);
    expect((await run(['rotate', 't1', '--overlap', '0'])).err).toMatch(/which has ended/);
  });

  it('wants an overlap', async () => {
    await run(['create', 'rack 7']);
    expect(await run(['rotate', 't1'])).toMatchObject({ code: 2, err: expect.stringMatching(/--overlap/) });
    expect(await run(['rotate', 't1', '--overlap', 'week'])).toMatchObject({ code: 2 });
    expect(control.tokens.list()).toHaveLength(1);
  });

  it('deletes what is revoked, and says what to do with what is not', async () => {
    await run(['create', 'rack 7']);
    const early = await run(['delete', 't1']);
    expect(early.code).toBe(5);
    expect(early.err).toContain('siderolinkctl token revoke t1');
    await run(['revoke', 't1']);
    expect((await run(['delete', 't1'])).out).toBe('join token t1 is deleted\n');
    expect(await run(['delete', 't1'])).toMatchObject({ code: 0, out: 'join token t1 is not there\n' });
  });
});
