import type { Series } from './batch.ts';
import { openReader } from './database.ts';
import { Packer } from './packer.ts';
import type { PackRequest } from './protocol.ts';
import { ReadGate } from './read-gate.ts';
import { UsageReader } from './usage.ts';
import { type Reply, serve } from './worker-port.ts';

type Request =
  | ({ readonly kind: 'pack' } & PackRequest)
  | { readonly kind: 'usage' }
  | { readonly kind: 'unpublished'; readonly series: Series; readonly after: number; readonly through: number }
  | { readonly kind: 'close' };

/** It reads every chunk once, so what it would keep is no use. */
const CACHE_KIB = 1024;

serve<{ readonly path: string; readonly gate: ReadGate['cells'] }, Request>(({ path, gate: cells }) => {
  const db = openReader(path, CACHE_KIB);
  const gate = new ReadGate(cells);
  const packer = new Packer(db, gate);
  const usage = new UsageReader(db);
  return {
    state: null,
    isLast: (request) => request.kind === 'close',
    handle: (request): Reply => {
      if (request.kind === 'close') return { value: void db.close() };
      if (request.kind === 'usage') return { value: gate.read(() => usage.usage()) };
      if (request.kind === 'unpublished') {
        const { series, after, through } = request;
        return { value: gate.read(() => usage.unpublished(series, after, through)) };
      }
      const segment = packer.pack(request);
      if (segment === null) return { value: null };
      const blocks = segment.blocks.map((bytes) => bytes.buffer);
      return { value: segment, transfer: [segment.meta.buffer, segment.runs.buffer, ...blocks] };
    },
  };
});
