/** Facilities by number, as go-kmsg names them (facts/talos-client.md section 5.1). */
export type Facility = 'kern' | 'user' | 'daemon' | 'syslog';

export const PRIORITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** One record of the kernel's log. */
export interface KernelRecord {
  /** Microseconds since boot. */
  readonly clock: number;
  readonly facility: Facility;
  readonly priority: Priority;
  /** Usually ends with a newline. */
  readonly msg: string;
}

const LEVELS: Readonly<Record<Priority, string>> = {
  emerg: 'error',
  alert: 'error',
  crit: 'error',
  err: 'error',
  warning: 'warn',
  notice: 'info',
  info: 'info',
  debug: 'debug',
};

/** A moment with nanoseconds, which Date has not. */
export interface BootTime {
  /** Unix seconds. */
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanos: number;
}

/** The line as Talos sends it, without its newline: seven keys, sorted, escaped as Go's encoding/json does. */
export function formatKernelLine(record: KernelRecord, seq: number, boot: BootTime): string {
  return (
    `{"clock":${record.clock},"facility":"${record.facility}","msg":${goString(record.msg)},` +
    `"priority":"${record.priority}","seq":${seq},"talos-level":"${LEVELS[record.priority]}",` +
    `"talos-time":"${rfc3339Nano(boot, record.clock)}"}`
  );
}

/** The record of zeros with which Talos up to 1.4 ended a boot's log. */
export const ZERO_LINE =
  '{"clock":0,"facility":"kern","msg":"","priority":"emerg","seq":0,"talos-level":"error","talos-time":"0001-01-01T00:00:00Z"}';

// Whole escape pairs, so that an escaped backslash before a `b` is not taken for `\b`.
const REWRITTEN = /\\.|[<>&\u2028\u2029]/g;

/** A JSON string as Go's encoder writes it: `<`, `>`, `&` and the line separators escaped, lone surrogates replaced. */
export function goString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(REWRITTEN, (found) => {
    if (found === '\\b') return '\\u0008';
    if (found === '\\f') return '\\u000c';
    if (found.startsWith('\\')) return found;
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Go's RFC3339Nano in UTC: the fraction without trailing zeros, or none at all. */
export function rfc3339Nano(boot: BootTime, clockMicros: number): string {
  let seconds = boot.seconds + Math.floor(clockMicros / 1_000_000);
  let nanos = boot.nanos + (clockMicros % 1_000_000) * 1000;
  if (nanos >= 1_000_000_000) {
    nanos -= 1_000_000_000;
    seconds += 1;
  }
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (nanos === 0) return `${whole}Z`;
  return `${whole}.${String(nanos).padStart(9, '0').replace(/0+$/, '')}Z`;
}
