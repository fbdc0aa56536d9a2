import { describe, expect, it } from 'vitest';
import { TokenRegistry } from '../../src/fleet/tokens.ts';
import { ManualClock, MemoryLog } from './fakes.ts';

function setup(log = new MemoryLog(), options = {}) {
  const clock = new ManualClock();
  return { clock, log, tokens: new TokenRegistry(options, { log, clock }) };
}

describe('join tokens', () => {
  it('are shown once, kept as hashes, and found again after a restart', async () => {
    const { log, clock, tokens } = setup();
    const { token, secret } = await tokens.create({ name: 'lab', maxUses: 5, expiresAt: clock.now() + 1_000 }, 'admin');
    expect(secret).toMatch(/^[\w-]{12}\.[\w-]{43}$/);
    expect(token).toEqual({
      id: secret.split('.')[0],
      name: 'lab',
      createdAt: clock.now(),
      expiresAt: clock.now() + 1_000,
      maxUses: 5,
      uses: 0,
      lastUsedAt: null,
      revokedAt: null,
    });
    expect(JSON.stringify(log.changes)).not.toContain(secret.split('.')[1]);
    const again = setup(log.reopen());
    expect(again.tokens.list()).toEqual([token]);
    expect(again.tokens.match(secret)).toEqual(token);
  });

  it('match only their own secret', async () => {
    const { tokens } = setup();
    const [a, b] = [await tokens.create({ name: 'a' }, 'x'), await tokens.create({ name: 'b' }, 'x')];
    const hidden = a.secret.split('.')[1];
    const strangers = [
      `${b.token.id}.${hidden}`,
      `.${hidden}`,
      `${hidden}`,
      `${a.secret}=`,
      `${a.token.id}.`,
      '',
      '.',
      'ä',
    ];
    for (const text of strangers) expect(tokens.match(text)).toBeUndefined();
    expect(tokens.match(a.secret)?.name).toBe('a');
  });

  it('every change is a record without a machine, and says who', async () => {
    const { log, tokens } = setup();
    const { token } = await tokens.create({ name: 'lab' }, 'alice');
    await tokens.revoke(token.id, 'bob');
    await tokens.revoke(token.id, 'bob');
    await tokens.delete(token.id, 'carol');
    expect(
      log.records.map(({ stream, detail, machine, boot, tags }) => [stream, detail, machine, boot, tags.id]),
    ).toEqual([
      ['token', 'created', 0, 0, 0],
      ['token', 'revoked', 0, 0, 0],
      ['token', 'deleted', 0, 0, 0],
    ]);
    expect(log.records.map(({ body }) => (JSON.parse(body) as { by: string }).by)).toEqual(['alice', 'bob', 'carol']);
    expect(log.reopen().image.tokens).toEqual([]);
  });

  it('revoked ones stay listed; only revoked or expired ones can be deleted', async () => {
    const { clock, tokens } = setup();
    const live = await tokens.create({ name: 'live' }, 'x');
    const brief = await tokens.create({ name: 'brief', expiresAt: clock.now() + 1_000 }, 'x');
    await expect(tokens.delete(live.token.id, 'x')).rejects.toMatchObject({ code: 'conflict' });
    await expect(tokens.delete(brief.token.id, 'x')).rejects.toMatchObject({ code: 'conflict' });
    clock.advance(1_000);
    await tokens.delete(brief.token.id, 'x');
    expect((await tokens.revoke(live.token.id, 'x')).revokedAt).toBe(clock.now());
    expect(tokens.list().map(({ id }) => id)).toEqual([live.token.id]);
    await tokens.delete(live.token.id, 'x');
    await expect(tokens.delete(live.token.id, 'x')).rejects.toMatchObject({ code: 'not_found' });
    await expect(tokens.revoke('nobody', 'x')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('what cannot be stored did not happen', async () => {
    const { log, tokens } = setup();
    log.failures = 1;
    await expect(tokens.create({ name: 'a' }, 'x')).rejects.toMatchObject({ code: 'storage' });
    expect(tokens.list()).toEqual([]);
    const { token } = await tokens.create({ name: 'a' }, 'x');
    log.failures = 1;
    await expect(tokens.revoke(token.id, 'x')).rejects.toMatchObject({ code: 'storage' });
    expect(tokens.get(token.id)?.revokedAt).toBeNull();
  });

  it('a revoked token admits nobody while its commit is under way', async () => {
    const { log, tokens } = setup();
    const { token } = await tokens.create({ name: 'a' }, 'x');
    log.gate.close();
    const revoking = tokens.revoke(token.id, 'x');
    expect(tokens.get(token.id)?.revokedAt).not.toBeNull();
    log.gate.open();
    await revoking;
  });

  it('uses are counted at once and given back', async () => {
    const { log, clock, tokens } = setup();
    const { token } = await tokens.create({ name: 'a', maxUses: 2 }, 'x');
    clock.advance(5);
    const use = tokens.reserve(token.id, true);
    expect(tokens.get(token.id)).toMatchObject({ uses: 1, lastUsedAt: clock.now() });
    await log.commit({ ops: [use.op], records: [] });
    expect(setup(log.reopen()).tokens.get(token.id)?.uses).toBe(1);
    use.undo();
    expect(tokens.get(token.id)?.uses).toBe(0);
    const glance = tokens.reserve(token.id, false);
    expect(tokens.get(token.id)?.uses).toBe(0);
    glance.undo();
    expect(tokens.get(token.id)?.uses).toBe(0);
  });

  it('nonsense is refused, and their number is bounded', async () => {
    const { clock, tokens } = setup(new MemoryLog(), { maxTokens: 1 });
    const bad = [
      { maxUses: 0 },
      { maxUses: 1.5 },
      { maxUses: Number.NaN },
      { expiresAt: clock.now() },
      { expiresAt: Number.NaN },
    ];
    for (const wanted of bad) {
      await expect(tokens.create({ name: 'a', ...wanted }, 'x')).rejects.toMatchObject({ code: 'invalid_argument' });
    }
    await expect(tokens.create({ name: 'x'.repeat(257) }, 'x')).rejects.toMatchObject({ code: 'invalid_argument' });
    await tokens.create({ name: 'a' }, 'x');
    await expect(tokens.create({ name: 'b' }, 'x')).rejects.toMatchObject({ code: 'exhausted' });
  });
});
