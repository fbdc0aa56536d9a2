import { STATUS_CODES } from 'node:http';
import { Problem } from '../client/api.ts';

/** What every route may answer instead: 400, who asks (401, 403), 500, and the statuses named. */
export function problemResponses(...statuses: number[]) {
  return Object.fromEntries(
    [400, 401, 403, ...statuses, 500].map((status) => [
      status,
      {
        description: STATUS_CODES[status] ?? 'Error',
        content: { 'application/problem+json': { schema: Problem } },
      },
    ]),
  );
}
