import { BootReader } from './boot-reader.ts';
import { openReader } from './database.ts';
import { PageReader, type PageReaderOptions } from './page-reader.ts';
import type { PageRequest } from './protocol.ts';
import { type Reply, serve } from './worker-port.ts';

type Request =
  | ({ readonly kind: 'page' } & PageRequest)
  | { readonly kind: 'boots'; readonly machine: number }
  | { readonly kind: 'close' };

serve<{ readonly path: string; readonly options: PageReaderOptions }, Request>(({ path, options }) => {
  const db = openReader(path);
  const reader = new PageReader(db, options);
  const boots = new BootReader(db);
  return {
    state: null,
    isLast: (request) => request.kind === 'close',
    handle: (request): Reply => {
      if (request.kind === 'close') return { value: void db.close() };
      if (request.kind === 'boots') return { value: boots.boots(request.machine) };
      const page = reader.page(request);
      return { value: page, transfer: [page.seqs.buffer] };
    },
  };
});
