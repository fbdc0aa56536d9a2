import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseListenFds } from '../../src/domain/listen-fds.ts';

const PID = 4711;
const env = (count: string, names?: string, pid = String(PID)) => ({
  LISTEN_PID: pid,
  LISTEN_FDS: count,
  ...(names !== undefined && { LISTEN_FDNAMES: names }),
});

describe('parseListenFds', () => {
  it('counts from the first descriptor behind the standard streams, in the order of the names', () => {
    expect(parseListenFds(env('2', 'api:kmsg'), PID)).toEqual([
      { fd: 3, name: 'api' },
      { fd: 4, name: 'kmsg' },
    ]);
  });

  it('finds none where nobody hands any over', () => {
    expect(parseListenFds({}, PID)).toEqual([]);
    expect(parseListenFds({ LISTEN_FDS: '2' }, PID)).toEqual([]);
    expect(parseListenFds(env('0', ''), PID)).toEqual([]);
  });

  it('leaves those alone that were meant for another process, whatever is said of them', () => {
    expect(parseListenFds(env('2', 'api:kmsg', '1'), PID)).toEqual([]);
    expect(parseListenFds(env('many', 'api', '1'), PID)).toEqual([]);
  });

  it('calls those unknown that have no name', () => {
    expect(parseListenFds(env('1'), PID)).toEqual([{ fd: 3, name: 'unknown' }]);
    expect(parseListenFds(env('1', ''), PID)).toEqual([{ fd: 3, name: 'unknown' }]);
  });

  it.each([
    ['a count that is none', env('-1')],
    ['a count that is no whole number', env('1.5')],
    ['a count beyond reason', env('65')],
    ['fewer names than sockets', env('2', 'api')],
    ['more names than sockets', env('1', 'api:kmsg')],
    ['a process id that is none', env('1', 'api', 'me')],
  ])('refuses %s', (_, variables) => {
    expect(() => parseListenFds(variables, PID)).toThrow(expect.objectContaining({ code: 'configuration' }));
  });

  it('gives each name its own descriptor', () => {
    const name = fc.stringMatching(/^[a-z-]{1,12}$/);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 64 }), (names) => {
        const found = parseListenFds(env(String(names.length), names.join(':')), PID);
        expect(found.map((socket) => socket.name)).toEqual(names);
        expect(found.map(({ fd }) => fd)).toEqual(names.map((_, index) => 3 + index));
      }),
    );
  });
});
