import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { ObservedPeer } from '../../src/wireguard/types.ts';

/** A session is renewed by itself after so many seconds (WireGuard's Rekey-After-Time). */
const SESSION_SECONDS = 120;

/**
 * Holds looks at one peer, oldest first, to be at one session and one endpoint: but for the renewal that is due anyway.
 * One that is in the tunnel hears nothing while there is no daemon, and shakes hands again when that takes 15 s.
 */
export function sameSession(looks: readonly ObservedPeer[], { isTunnelled }: { readonly isTunnelled: boolean }): void {
  for (const [index, look] of looks.entries()) {
    const previous = looks[index - 1];
    if (previous === undefined) continue;
    assert.equal(look.publicKey, previous.publicKey);
    assert.equal(look.endpoint, previous.endpoint);
    assert.ok(look.rxBytes >= previous.rxBytes, `${look.rxBytes} bytes after ${previous.rxBytes}`);
    const seconds = look.latestHandshake - previous.latestHandshake;
    assert.ok(isTunnelled || seconds === 0 || seconds >= SESSION_SECONDS - 1, `another handshake after ${seconds} s`);
  }
  const [first, last] = [looks[0], looks.at(-1)];
  assert.ok(first !== undefined && last !== undefined && last.rxBytes > first.rxBytes, 'its packets come');
}

/** What a daemon said in this part of its log that it repaired. */
export function repairs(log: string): readonly unknown[] {
  return log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => String(msg).startsWith('repaired the '))
    .map(({ what, msg }) => what ?? msg);
}

export interface Process {
  readonly pid: string;
  /** Of its program. */
  readonly name: string;
  readonly uid: number;
  /** Sets of capabilities by their names in /proc, as numbers. */
  readonly capabilities: ReadonlyMap<string, bigint>;
}

/** The processes of this host. */
export function processes(): readonly Process[] {
  const found: Process[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let status: string;
    try {
      status = readFileSync(`/proc/${pid}/status`, 'utf8');
    } catch {
      // It has ended since.
      continue;
    }
    const capabilities = [...status.matchAll(/^(Cap\w+):\s+(\w+)$/gm)].map(
      ([, set = '', hex = '']) => [set, BigInt(`0x${hex}`)] as const,
    );
    const name = /^Name:\s+(.*)$/m.exec(status)?.[1] ?? '';
    found.push({ pid, name, uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]), capabilities: new Map(capabilities) });
  }
  return found;
}

/** Settings by their place in the configuration, for `env`. */
export function variables(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).map(
    ([path, value]) => `SIDEROLINKD__${path.toUpperCase().replaceAll('.', '__')}=${value}`,
  );
}
