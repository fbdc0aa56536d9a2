/**
 * How far a machine's unique token (Talos META 16) is trusted (DESIGN section 6, *NUT*): *offered* was committed
 * before we wrote it, or showed it for its configuration; *bound* came back, or with a join; *proven* came back under another key, so this
 * machine's META survives a reboot.
 */
export type UniqueTokenState = 'offered' | 'bound' | 'proven';

/** A unique token that a machine holds, as its HMAC in hex; the token itself is never kept. */
export interface UniqueToken {
  readonly hash: string;
  readonly state: UniqueTokenState;
}

/** The tokens of one machine, oldest first. */
export type UniqueTokens = readonly UniqueToken[];

const MAX_OFFERED = 4;

export function holds(tokens: UniqueTokens, hash: string | null): boolean {
  return hash !== null && tokens.some((token) => token.hash === hash);
}

/** The strongest state among them. */
export function trust(tokens: UniqueTokens): UniqueTokenState | 'none' {
  for (const state of ['proven', 'bound', 'offered'] as const) {
    if (tokens.some((token) => token.state === state)) return state;
  }
  return 'none';
}

/** Adds an offered token. The last four count; bound and proven ones are never evicted by it. */
export function offer(tokens: UniqueTokens, hash: string): UniqueTokens {
  if (holds(tokens, hash)) return tokens;
  const offered = tokens.filter((token) => token.state === 'offered').slice(-(MAX_OFFERED - 1));
  return [...tokens.filter((token) => token.state !== 'offered'), ...offered, { hash, state: 'offered' }];
}

/** The token came back under the key under which it was first seen. Weaker than what is known already: no change. */
export function bind(tokens: UniqueTokens, hash: string): UniqueTokens {
  const held = tokens.find((token) => token.hash === hash);
  if (held !== undefined && held.state !== 'offered') return tokens;
  const others = tokens.filter((token) => token.hash !== hash && token.state !== 'bound');
  return [...others, { hash, state: 'bound' }];
}

/** The token came back under another key: META holds it, so what META held before is gone. */
export function prove(tokens: UniqueTokens, hash: string): UniqueTokens {
  const held = tokens.find((token) => token.hash === hash);
  if (held?.state === 'proven') return tokens;
  const others = tokens.filter((token) => token.hash !== hash && token.state === 'offered');
  return [...others, { hash, state: 'proven' }];
}
