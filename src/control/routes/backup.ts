import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { errorMessage } from '../../domain/errors.ts';
import type { App, RouteDeps } from '../app.ts';
import { problemResponses } from '../responses.ts';
import type { Backup } from '../types.ts';

export const BACKUP_ROUTE = '/v1/backup';

/** A reader that takes nothing for so long keeps the next backup from being made. */
const STALL_MS = 60_000;

export function backupRoutes(app: App, { backups, streams, clock, logger, controlMetrics: metrics }: RouteDeps): void {
  app.post(
    BACKUP_ROUTE,
    {
      config: { role: 'admin' },
      schema: {
        operationId: 'makeBackup',
        summary: 'One file that is all a new host needs: database and private keys',
        description:
          'The answer begins when the copy is made, which may take minutes. One at a time. Whoever has the file can take the place of this installation.',
        response: {
          200: {
            description: 'the backup',
            headers: { 'Repr-Digest': { type: 'string', description: '`sha-256=:…:` of the file (RFC 9530)' } },
            content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } },
          },
          ...problemResponses(409, 429, 503, 507),
        },
      },
    },
    async ({ caller }, reply) => {
      await streams.open(async (controller) => {
        const began = clock.now();
        const gone = () => controller.abort();
        reply.raw.once('close', gone);
        let backup: Backup;
        try {
          backup = await backups.make(controller.signal);
        } catch (error) {
          metrics.backups.inc({ result: 'failed' });
          logger.warn({ by: caller.name, error: errorMessage(error) }, 'no backup was made');
          throw error;
        } finally {
          reply.raw.off('close', gone);
        }
        await using held = backup;
        reply.hijack();
        const sent = await send(held, reply.raw, controller.signal);
        metrics.backups.inc({ result: sent ? 'sent' : 'broken_off' });
        const facts = {
          by: caller.name,
          bytes: held.bytes,
          sha256: held.sha256.toString('hex'),
          ms: clock.now() - began,
        };
        if (sent) logger.info(facts, 'backup given');
        else logger.warn(facts, 'backup broken off');
      });
    },
  );
}

/** Whether all of it was handed over. */
async function send(backup: Backup, response: ServerResponse, signal: AbortSignal): Promise<boolean> {
  response.setTimeout(STALL_MS, () => response.destroy());
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': backup.bytes,
    'repr-digest': `sha-256=:${backup.sha256.toString('base64')}:`,
    'cache-control': 'no-store',
    connection: 'close',
  });
  try {
    await pipeline(backup.read(), response, { signal });
    return true;
  } catch {
    // Its reader went away, we stop, or the disk failed: by the length he sees that it is not whole. One that has the last
    // byte may be gone before we are told that it went out.
    response.destroy();
    return response.writableEnded;
  }
}
