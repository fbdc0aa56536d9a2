import { isMainThread } from 'node:worker_threads';

// Loaded into a daemon before its own program (NODE_OPTIONS=--import=…): the same, but nothing makes its packer begin. The
// product has no such setting, as it would fill the disk.

if (isMainThread) {
  const built = process.env['BENCH_PACK_LOOP'];
  if (built === undefined) throw new Error('BENCH_PACK_LOOP is not set');
  const { PackLoop } = (await import(built)) as typeof import('../src/store/pack-loop.ts');
  PackLoop.prototype.added = () => {};
}
