import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { Ballast } from '../../src/stream/ballast.ts';

const MIB = 1024 * 1024;

test('takes real bytes of the disk, and gives them back', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ballast-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'store.db-reserve');
  const made = () => new Ballast({ path }, { logger: pino({ level: 'silent' }) });
  const first = made();
  first.throwOff();
  first.take(2.5 * MIB);
  first.take(2.5 * MIB);
  await settled(first);
  expect(statSync(path).size).toBe(2.5 * MIB);
  expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(2.5 * MIB);
  // Who starts finds it.
  const second = made();
  second.take(2.5 * MIB);
  second.throwOff();
  await settled(second);
  expect(statSync(path).size).toBe(0);
});

async function settled(ballast: Ballast): Promise<void> {
  await ballast.settled();
  await ballast.stop();
}
