import { describe, expect, it } from 'vitest';
import { parseNodeUuid } from '../../src/domain/uuid.ts';
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
      nodeUuid: null,
      ownership: {},
      labels: {},
      rotates: null,
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

const HOUR = 3_600_000;
const UUID = parseNodeUuid('71233efd-7a07-43f8-b6ba-da90fae0e88b');

describe('what a token says of the machines that join with it', () => {
  it('is checked, kept over a restart, and in the records', async () => {
    const { log, tokens } = setup();
    const wanted = {
      name: 'rack 4',
      nodeUuid: UUID,
      ownership: { owner: 'acme', namespace: 'prod' },
      labels: { 'example.com/rack': '4' },
    };
    const { token, secret } = await tokens.create(wanted, 'alice');
    expect(token).toMatchObject(wanted);
    expect(setup(log.reopen()).tokens.match(secret)).toEqual(token);
    expect(JSON.parse(log.records[0]?.body ?? '')).toMatchObject({
      node_uuid: UUID,
      confers: wanted.ownership,
      labels: wanted.labels,
      by: 'alice',
    });
    for (const bad of [
      { ownership: { owner: '' } },
      { ownership: { tenant: 'x' } as never },
      { labels: { '-': 'x' } },
      { nodeUuid: parseNodeUuid('00000000-0000-0000-0000-000000000000') },
    ]) {
      await expect(tokens.create({ name: 'a', ...bad }, 'x')).rejects.toMatchObject({ code: 'invalid_argument' });
    }
    expect(tokens.list()).toHaveLength(1);
  });

  it('a UUID is reserved while a token that may be used is bound to it', async () => {
    const { log, clock, tokens } = setup();
    const brief = await tokens.create({ name: 'a', nodeUuid: UUID, expiresAt: clock.now() + HOUR }, 'x');
    const lasting = await tokens.create({ name: 'b', nodeUuid: UUID }, 'x');
    await tokens.revoke(lasting.token.id, 'x');
    expect(setup(log.reopen()).tokens.isReserved(UUID)).toBe(true);
    expect(tokens.isReserved(UUID)).toBe(true);
    clock.advance(HOUR);
    expect(tokens.isReserved(UUID)).toBe(false);
    for (const { token } of [brief, lasting]) await tokens.delete(token.id, 'x');
    expect(tokens.isReserved(UUID)).toBe(false);
  });

  it('a row from before all this confers nothing', () => {
    const doc = { name: 'old', hash: 'ff', created_at: 1, expires_at: null, max_uses: null, uses: 3 };
    const image = {
      ...new MemoryLog().image,
      tokens: [{ id: 'a', doc: JSON.stringify({ ...doc, last_used_at: null, revoked_at: null }) }],
    };
    const { tokens } = setup(new MemoryLog(image));
    expect(tokens.get('a')).toMatchObject({ uses: 3, nodeUuid: null, ownership: {}, labels: {}, rotates: null });
  });
});

describe('rotation', () => {
  it('one commit: a token like this one, and this one ends after the overlap', async () => {
    const { log, clock, tokens } = setup();
    const wanted = { name: 'a', maxUses: 9, ownership: { owner: 'acme' }, labels: { a: 'b' } };
    const { token, secret } = await tokens.create({ ...wanted, expiresAt: clock.now() + 10 * HOUR }, 'x');
    await log.commit({ ops: [tokens.reserve(token.id, true).op], records: [] });
    clock.advance(HOUR);
    const commits = log.changes.length;
    const made = await tokens.rotate(token.id, { overlapMs: 2 * HOUR }, 'alice');
    expect(log.changes).toHaveLength(commits + 1);
    const now = clock.now();
    // As long a life as the first one was meant to have.
    expect(made.token).toMatchObject({ ...wanted, uses: 0, rotates: token.id, expiresAt: now + 10 * HOUR });
    expect(made.rotated).toMatchObject({ id: token.id, uses: 1, expiresAt: now + 2 * HOUR });
    expect(made.secret).not.toBe(secret);
    expect(log.records.slice(1).map(({ detail }) => detail)).toEqual(['created', 'rotated']);
    expect(JSON.parse(log.records[2]?.body ?? '')).toMatchObject({ successor: made.token.id, by: 'alice' });
    const again = setup(log.reopen()).tokens;
    expect(again.list()).toEqual(tokens.list());
    expect(again.match(secret)?.expiresAt).toBe(now + 2 * HOUR);
    for (const hidden of [secret, made.secret]) expect(JSON.stringify(log.changes)).not.toContain(hidden.split('.')[1]);
  });

  it('never makes the old one live longer, and takes an expiry for the new one', async () => {
    const { clock, tokens } = setup();
    const ends = clock.now() + HOUR;
    const { token } = await tokens.create({ name: 'a', expiresAt: ends }, 'x');
    const expiresAt = clock.now() + 5 * HOUR;
    const { rotated, token: next } = await tokens.rotate(token.id, { overlapMs: 9 * HOUR, expiresAt }, 'x');
    expect([rotated.expiresAt, next.expiresAt]).toEqual([ends, expiresAt]);
    const last = await tokens.rotate(next.id, { overlapMs: 0 }, 'x');
    expect(last.rotated.expiresAt).toBe(clock.now());
  });

  it.each([80_000_000, 99_999_999, 104_249_991])(
    'an overlap of %d days leaves an end that can be written',
    async (days) => {
      const { tokens } = setup();
      const { token } = await tokens.create({ name: 'a' }, 'x');
      const { rotated } = await tokens.rotate(token.id, { overlapMs: days * 86_400_000 }, 'x');
      // A moment that cannot be written would take the whole list with it.
      expect(new Date(rotated.expiresAt ?? 0).toISOString()).toBe('9999-12-31T23:59:59.999Z');
      const behind = { name: 'b', expiresAt: (rotated.expiresAt ?? 0) + 1 };
      await expect(tokens.create(behind, 'x')).rejects.toMatchObject({ code: 'invalid_argument' });
    },
  );

  it('only of a token that may be used; what cannot be stored did not happen', async () => {
    const { log, tokens } = setup();
    const { token } = await tokens.create({ name: 'a' }, 'x');
    await expect(tokens.rotate(token.id, { overlapMs: -1 }, 'x')).rejects.toMatchObject({ code: 'invalid_argument' });
    log.failures = 1;
    await expect(tokens.rotate(token.id, { overlapMs: HOUR }, 'x')).rejects.toMatchObject({ code: 'storage' });
    expect(tokens.list()).toEqual([token]);
    await tokens.revoke(token.id, 'x');
    await expect(tokens.rotate(token.id, { overlapMs: HOUR }, 'x')).rejects.toMatchObject({ code: 'conflict' });
    await expect(tokens.rotate('nobody', { overlapMs: HOUR }, 'x')).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('changes of one token at one time', () => {
  it('a use whose commit fails is in no row, though a later one was stored with it', async () => {
    const { log, tokens } = setup();
    const { token } = await tokens.create({ name: 'a' }, 'x');
    const [lost, kept] = [tokens.reserve(token.id, true), tokens.reserve(token.id, true)];
    log.failures = 1;
    const commits = [lost, kept].map(({ op, undo }) => log.commit({ ops: [op], records: [] }).catch(undo));
    await Promise.all(commits);
    await log.flush();
    expect(tokens.get(token.id)?.uses).toBe(1);
    expect(setup(log.reopen()).tokens.get(token.id)?.uses).toBe(1);
  });

  it('a revocation whose commit fails is in no row, though a use was stored with it', async () => {
    const { log, tokens } = setup();
    const { token } = await tokens.create({ name: 'a' }, 'x');
    log.failures = 1;
    const revoking = tokens.revoke(token.id, 'x');
    const use = tokens.reserve(token.id, true);
    await Promise.all([
      expect(revoking).rejects.toMatchObject({ code: 'storage' }),
      log.commit({ ops: [use.op], records: [] }),
    ]);
    await log.flush();
    expect(setup(log.reopen()).tokens.get(token.id)).toMatchObject({ uses: 1, revokedAt: null });
  });

  it('two who revoke it at once both hear that it could not be stored', async () => {
    const { log, tokens } = setup();
    const { token } = await tokens.create({ name: 'a' }, 'x');
    log.failures = 1;
    const both = await Promise.allSettled([tokens.revoke(token.id, 'x'), tokens.revoke(token.id, 'y')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const again = await Promise.all([tokens.revoke(token.id, 'x'), tokens.revoke(token.id, 'y')]);
    expect(again[1]).toEqual(again[0]);
    expect(log.records.filter(({ detail }) => detail === 'revoked')).toHaveLength(1);
    expect(setup(log.reopen()).tokens.get(token.id)).toEqual(again[0]);
  });

  it('nothing brings a deleted token back', async () => {
    const { log, tokens } = setup();
    const { token } = await tokens.create({ name: 'a' }, 'x');
    const [lost, kept] = [tokens.reserve(token.id, true), tokens.reserve(token.id, true)];
    log.failures = 1;
    const commits = [lost, kept].map(({ op, undo }) => log.commit({ ops: [op], records: [] }).catch(undo));
    const revoking = tokens.revoke(token.id, 'x');
    const deleting = tokens.delete(token.id, 'x');
    await expect(tokens.delete(token.id, 'x')).rejects.toMatchObject({ code: 'not_found' });
    await Promise.all([...commits, revoking, deleting]);
    await log.flush();
    expect(log.reopen().image.tokens).toEqual([]);
    expect(tokens.list()).toEqual([]);
  });
});
