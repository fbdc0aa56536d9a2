import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { openLog, parse, readAll, temporaryStore } from '../stream/harness.ts';

const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url));
const store = temporaryStore();
let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
  store.remove();
});

/** Runs the child until it acknowledged `count` things, kills it, and returns what it acknowledged. */
async function runAndKill(count: number): Promise<{ seq?: number; name?: string; flushed?: number; run?: string }[]> {
  child = spawn(process.execPath, [CHILD, store.path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const told = [];
  if (child.stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.endsWith('}')) break;
    told.push(JSON.parse(line));
    if (told.length === count) child.kill('SIGKILL');
  }
  await exited;
  return told;
}

test('kill -9 in the middle of commits loses nothing that was acknowledged and repeats no seq', async () => {
  const acknowledged = new Map<number, string>();
  const lines = new Set<string>();
  for (const count of [40, 333, 650]) {
    for (const { seq, name, flushed, run } of await runAndKill(count)) {
      if (seq !== undefined && name !== undefined) acknowledged.set(seq, name);
      for (let n = 0; n <= (flushed ?? -1); n++) lines.add(`${run} line ${n}`).add(`${run} more ${n}`);
    }
    const { log } = await openLog({ path: store.path });
    const records = (await readAll(log)).map(parse);
    await log.close(5000);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => i + 1));
    const bySeq = new Map(records.map(({ seq, msg }) => [seq, msg]));
    for (const [seq, name] of acknowledged) expect(bySeq.get(seq)).toBe(name);
    const stored = Map.groupBy(records, ({ msg }) => msg);
    for (const line of lines) expect(stored.get(line)?.length).toBe(3);
    // State and record are one transaction: the newest event is what the registry says.
    const last = records.findLast(({ msg }) => msg.includes('event'));
    expect(log.image.meta.get('last')).toBe(last?.msg);
  }
});
