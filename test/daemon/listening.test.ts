import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { listening } from '../../src/daemon/listening.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { GrpcEdge } from '../../src/lib/grpc.ts';
import { Health } from '../../src/telemetry/health.ts';
import { TelemetryServer } from '../../src/telemetry/http.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';

const host = '127.0.0.1';

describe('a port that is taken', () => {
  it('is said with its setting and what to do, whichever part listens', async () => {
    const other = createServer().listen(0, host);
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const logger = createLogger('info', { write: () => {} });
    const api = new GrpcEdge({ name: 'api', host, port });
    const metrics = new TelemetryServer(
      { host, port },
      { registry: createRegistry(), health: new Health(() => 0), logger },
    );
    for (const start of [() => api.listen(), () => metrics.start()] satisfies (() => unknown)[]) {
      await expect(listening('some.setting', { host, port }, { start, stop: () => {} }).start()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(
          `^some.setting: cannot listen on ${host}:${port}: another process listens there`,
        ),
      });
    }
    other.close();
  });

  it('is not made of other errors', async () => {
    for (const error of [new Error('a defect'), new SiderolinkError('storage', 'disk full')]) {
      await expect(
        listening('x', { host, port: 1 }, { start: () => Promise.reject(error), stop: () => {} }).start(),
      ).rejects.toBe(error);
    }
  });
});
