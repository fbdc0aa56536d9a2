import type { Readable } from 'node:stream';
import { SiderolinkError } from '../domain/errors.ts';
import { send, type Target } from './transport.ts';

/** The copy is made before the first byte comes: minutes, where the store is large. */
const IDLE_MS = 15 * 60_000;

export interface BackupFile {
  readonly bytes: number;
  /** What the bytes must come to. */
  readonly sha256: Buffer;
  readonly body: Readable;
}

/** @throws SiderolinkError of the API; `internal` for an answer that does not say what it is */
export async function openBackup(target: Target, signal: AbortSignal | undefined): Promise<BackupFile> {
  const body = await send(target, { method: 'POST', path: '/v1/backup', signal, idleTimeoutMs: IDLE_MS });
  const bytes = Number(body.headers['content-length'] ?? Number.NaN);
  const digest = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(String(body.headers['repr-digest'] ?? ''))?.[1];
  if (!Number.isSafeInteger(bytes) || digest === undefined) {
    body.destroy();
    throw new SiderolinkError('internal', 'the control API answered with something that is no backup');
  }
  return { bytes, sha256: Buffer.from(digest, 'base64'), body };
}
