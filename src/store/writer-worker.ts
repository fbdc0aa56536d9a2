import { movedBuffers } from './batch.ts';
import { openWriter } from './database.ts';
import type { CommitReply, WriterRequest } from './protocol.ts';
import { type Reply, serve } from './worker-port.ts';
import { Writer } from './writer.ts';

serve<{ readonly path: string; readonly busyTimeoutMs: number }, WriterRequest>(({ path, busyTimeoutMs }) => {
  const writer = new Writer(openWriter(path, busyTimeoutMs));
  return {
    state: writer.state(),
    isLast: (request) => request.kind === 'close',
    handle: (request): Reply => {
      switch (request.kind) {
        case 'commit':
          return moved(writer.commit(request));
        case 'segment':
          return { value: writer.beginSegment(request.segment) };
        case 'unfinished':
          return { value: writer.removeUnfinished() };
        case 'insert':
          return { value: writer.insertSlice(request.rows, request.bytes) };
        case 'sweep':
          return { value: writer.sweep(request.series, request.rows, request.bytes) };
        case 'clear':
          return { value: writer.clear(request.rows, request.bytes) };
        case 'clear-dropped':
          return { value: writer.clearDropped(request.rows, request.bytes) };
        case 'shrink':
          return { value: writer.shrink(request.pages, request.freeBytes) };
        case 'checkpoint':
          return { value: writer.checkpoint(request.waitMs) };
        case 'thrifty':
          return { value: writer.beThrifty(request.isThrifty) };
        case 'close':
          return { value: writer.close() };
      }
    },
  };
});

function moved(reply: CommitReply): Reply {
  const { changeChunks, logChunks } = reply;
  return {
    value: reply,
    transfer: [...movedBuffers(changeChunks), ...movedBuffers(logChunks)],
  };
}
