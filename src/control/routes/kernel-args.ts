import { KernelArgs, KernelArgsRequest } from '../../client/api.ts';
import { kernelArgs } from '../../domain/kernel-args.ts';
import type { App, RouteDeps } from '../app.ts';
import { problemResponses } from '../responses.ts';

export function kernelArgsRoutes(app: App, { status: source }: RouteDeps): void {
  app.post(
    '/v1/kernel-args',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'makeKernelArgs',
        summary: 'The kernel arguments a machine boots with, and the same as machine-config documents',
        body: KernelArgsRequest.prefault({}),
        response: { 200: KernelArgs, ...problemResponses() },
      },
    },
    async ({ body }, reply) => {
      const status = source.status();
      const { args, documents, warnings } = kernelArgs({
        apiUrl: status.apiUrl,
        server: status.overlay.server,
        kmsgPort: status.kmsgPort,
        eventsPort: status.eventsPort,
        token: body.token,
        tunnel: body.tunnel,
        talosVersion: body.talos_version,
        authority: status.authority,
      });
      if (body.token !== undefined) reply.header('cache-control', 'no-store');
      return {
        args: [...args],
        command_line: args.join(' '),
        documents,
        warnings: [...warnings],
        ca: status.authority ?? null,
      };
    },
  );
}
