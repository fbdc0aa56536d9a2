/** A path with a smaller MTU than it says passes handshakes and keepalives, and drops what is large (facts/users.md C9). */
const SILENCE_MS = 180_000;

/** What is known of a link, and of the boot that it is of. Times are milliseconds since the epoch. */
export interface HintedLink {
  readonly state: 'up' | 'down' | 'never';
  readonly mode: 'udp' | 'tunnel';
  readonly lastRx: number | null;
  readonly bootStartedAt: number;
  /** Whether any log line or event of this boot came. */
  readonly heard: boolean;
}

/** What to look at where WireGuard works and nothing comes through it; null where nothing is wrong. */
export function linkHint({ state, mode, lastRx, bootStartedAt, heard }: HintedLink): string | null {
  if (heard || state !== 'up' || lastRx === null || lastRx - bootStartedAt < SILENCE_MS) return null;
  const missing = 'the machine was booted without talos.logging.kernel= and talos.events.sink=';
  const start = 'the link is up, but no log line and no event of this boot came: ';
  if (mode === 'tunnel') return `${start}${missing}`;
  return `${start}the path may drop large packets (MTU below 1360), then the gRPC tunnel helps; or ${missing}`;
}
