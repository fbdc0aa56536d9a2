import { BootReader } from './boot-reader.ts';
import { openReader } from './database.ts';
import { PageReader, type PageReaderOptions } from './page-reader.ts';
import type { PageRequest } from './protocol.ts';
import { ReadGate } from './read-gate.ts';
import { type Reply, serve } from './worker-port.ts';

type Request =
  | ({ readonly kind: 'page' } & PageRequest)
  | { readonly kind: 'boots'; readonly machine: number }
  | { readonly kind: 'close' };

interface Data {
  readonly path: string;
  readonly options: PageReaderOptions;
  readonly gate: ReadGate['cells'];
}

serve<Data, Request>(({ path, options, gate: cells }) => {
  const db = openReader(path);
  const gate = new ReadGate(cells);
  const reader = new PageReader(db, options, gate);
  const boots = new BootReader(db);
  return {
    state: null,
    isLast: (request) => request.kind === 'close',
    handle: (request): Reply => {
      if (request.kind === 'close') return { value: void db.close() };
      if (request.kind === 'boots') return { value: gate.read(() => boots.boots(request.machine)) };
      const page = gate.read(() => reader.page(request));
      return { value: page, transfer: [page.seqs.buffer] };
    },
  };
});
