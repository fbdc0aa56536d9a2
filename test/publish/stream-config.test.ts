import { describe, expect, it } from 'vitest';
import { parseAnswer } from '../../src/publish/answers.ts';
import { conditionsOf, obstacleOf } from '../../src/publish/standing.ts';
import { mismatch, newStream } from '../../src/publish/stream-config.ts';

const WISH = { name: 'SIDEROLINK', prefix: 'siderolink.eu', maxAgeMs: 86_400_000 };

describe('a stream', () => {
  it.each([[['siderolink.eu.>']], [['other', '>']], [['siderolink.>']], [['*.>']], [['siderolink.*.>']], [['*.eu.>']]])(
    'that takes %j will do',
    (subjects) => {
      expect(mismatch(WISH, { name: WISH.name, subjects })).toBeUndefined();
    },
  );

  it.each([
    [[]],
    [['siderolink.eu.*']],
    [['siderolink.eu']],
    [['siderolink.eu.*.>']],
    [['siderolink.us.>']],
    [['siderolink.eu.acme.>']],
  ])('that takes %j will not, and the message says what to change', (subjects) => {
    expect(mismatch(WISH, { name: WISH.name, subjects })).toMatch(/add siderolink\.eu\.> to its subjects/);
  });

  it.each([
    [{ mirror: { name: 'X' } }, /mirror/],
    [{ sealed: true }, /sealed/],
    [{ no_ack: true }, /no_ack/],
  ])('that cannot acknowledge will not: %j', (facts, message) => {
    expect(mismatch(WISH, { name: WISH.name, subjects: ['>'], ...facts })).toMatch(message);
  });

  it('of ours would do, and knows ids for ten minutes, or as long as it keeps messages', () => {
    expect(mismatch(WISH, newStream(WISH))).toBeUndefined();
    expect(newStream(WISH)).toMatchObject({ duplicate_window: 600e9, max_age: 86_400e9, discard: 'old' });
    expect(newStream({ ...WISH, maxAgeMs: 60_000 })).toMatchObject({ duplicate_window: 60e9, max_age: 60e9 });
  });
});

describe('an answer', () => {
  it.each([
    [0, '{"stream":"S","seq":7}', { stored: true, duplicate: false }],
    [0, '{"stream":"S","seq":7,"duplicate":true}', { stored: true, duplicate: true }],
    [0, '{"stream":"S","seq":0,"duplicate":true}', { stored: false, reason: 'unavailable' }],
    [0, '{"stream":"T","seq":7}', { stored: false, reason: 'wrong_stream' }],
    [0, '{"seq":7}', { stored: false, reason: 'wrong_stream' }],
    [503, '', { stored: false, reason: 'no_stream' }],
    [0, '{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"seq":0}', { reason: 'full' }],
    [0, '{"error":{"code":400,"err_code":10054,"description":"x"},"seq":0}', { reason: 'too_large' }],
    [0, '{"error":{"code":400,"err_code":10060,"description":"x"},"seq":0}', { reason: 'wrong_stream' }],
    [0, '{"error":{"code":503,"err_code":1,"description":"x"},"seq":0}', { reason: 'unavailable' }],
    [0, '{"error":{"code":500,"err_code":1},"seq":0}', { reason: 'other', message: 'no description' }],
    [0, '{"error":7}', { reason: 'other' }],
    [0, '{}', { stored: false, reason: 'other' }],
    [0, '7', { reason: 'other' }],
    [408, 'no json', { reason: 'other' }],
  ])('with status %i: %s', (status, text, expected) => {
    expect(parseAnswer(status, text, 'S')).toMatchObject(expected);
  });
});

describe('health', () => {
  const GOOD = {
    ...{ server: 'a:1', problem: null, streamProblem: null, head: 9 },
    ...{ waiting: 0, oldest: null, lanesBehind: 0, refusal: null, loss: null },
  };

  it('is good while nothing waits for long', () => {
    expect(conditionsOf(GOOD, 59_999, 60_000).map(({ severity }) => severity)).toEqual(['ok', 'ok']);
  });

  it('warns with the age, coarsely, of what waits', () => {
    const [late] = conditionsOf({ ...GOOD, refusal: 'full: no room' }, 3 * 3_600_000 + 61_000, 60_000);
    expect(late).toEqual({
      ...{ name: 'nats', severity: 'warning' },
      message: 'behind; the oldest of the records that wait is 3h old; last refusal: full: no room',
    });
  });

  it('warns of a stream that lost what it had acknowledged, and still says what must be changed first', () => {
    const [, lost] = conditionsOf({ ...GOOD, loss: 'it lost some' }, 0, 60_000);
    expect(lost).toEqual({ name: 'nats_stream', severity: 'warning', message: 'it lost some' });
    const [, both] = conditionsOf({ ...GOOD, loss: 'it lost some', streamProblem: 'sealed' }, 0, 60_000);
    expect(both).toEqual({ name: 'nats_stream', severity: 'error', message: 'sealed' });
  });

  it('does not name a refusal as an obstacle when nothing waits any more', () => {
    const refused = { ...GOOD, refusal: 'full: no room' };
    expect([obstacleOf({ ...refused, waiting: 1 }), obstacleOf(refused), obstacleOf(GOOD)]).toEqual([
      'full: no room',
      null,
      null,
    ]);
    expect(obstacleOf({ ...refused, streamProblem: 'sealed', problem: 'refused' })).toBe('refused');
  });

  it('is only warned of without a connection: joining depends on nothing remote', () => {
    const [nats, stream] = conditionsOf({ ...GOOD, server: null, problem: 'refused' }, 1, 60_000);
    expect(nats?.severity).toBe('warning');
    expect(nats?.message).toBe('not connected: refused; the oldest of the records that wait is less than a minute old');
    expect(stream?.severity).toBe('ok');
  });
});
