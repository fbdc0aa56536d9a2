import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, nanos } from '@nats-io/transport-node';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { startNatsServer } from '../helpers/nats-server.ts';
import { writePrograms } from './how-to-programs.ts';

// What the consumer of docs/how-to/subscribe.md promises where a kill does not hit the moment by itself.

it('what one that was killed had taken and not stored comes before what is new', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'siderolinkd-consume-'));
  const server = await startNatsServer();
  const nats = await connect({ servers: server.url });
  const [stream, name, filter] = ['SIDEROLINK', 'test', 'siderolink.>'];
  const manager = await jetstreamManager(nats);
  // It knows no ids for long: what is sent twice is there twice.
  await manager.streams.add({ name: stream, subjects: [filter], duplicate_window: nanos(100) });
  const publish = async (seq: number) => {
    const sent = headers();
    sent.set('Nats-Msg-Id', `0a1b2c3d:${seq}`);
    sent.set('Siderolink-Seq', String(seq));
    sent.set('Siderolink-Boot', '1');
    return await jetstream(nats).publish('siderolink._.m.kmsg.info', `{"seq":${seq}}`, { headers: sent });
  };
  for (let seq = 1; seq <= 20; seq += 1) await publish(seq);
  // As the program makes it. Ten are delivered, and nobody ever says that he has them.
  await manager.consumers.add(stream, {
    ...{ durable_name: name, filter_subject: filter, ack_wait: nanos(5_000) },
    ...{ deliver_policy: DeliverPolicy.All, ack_policy: AckPolicy.Explicit },
  });
  const killed = await jetstream(nats).consumers.get(stream, name);
  for await (const _ of await killed.fetch({ max_messages: 10, expires: 1_000 }));

  writePrograms('subscribe.md', cwd);
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(cwd, 'node_modules'));
  const child = spawn(process.execPath, ['consume.ts', 'x.db', name, filter], {
    ...{ cwd, env: { ...process.env, NATS_URL: server.url } },
    stdio: 'inherit',
  });
  const stored = () => {
    if (!existsSync(join(cwd, 'x.db'))) return [];
    const db = new Database(join(cwd, 'x.db'), { readonly: true });
    const isMade = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'records'").get() !== undefined;
    const seqs = isMade ? db.prepare('SELECT seq FROM records ORDER BY rowid').pluck().all() : [];
    db.close();
    return seqs;
  };
  try {
    // The second as after an outage: the stream has it again, and who has it drops it.
    await publish(21);
    while ((await publish(3)).duplicate) await systemClock.sleep(20);
    await publish(22);
    while (stored().length < 22) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      await systemClock.sleep(50);
    }
    expect((await manager.streams.info(stream)).state.messages).toBe(23);
    expect(stored()).toEqual(Array.from({ length: 22 }, (_, index) => index + 1));
  } finally {
    const gone = once(child, 'exit');
    if (child.exitCode === null && child.kill()) await gone;
    await nats.close();
    await server.dispose();
    rmSync(cwd, { recursive: true });
  }
}, 240_000);

it('one that may not connect says so, and goes on when it may', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'siderolinkd-consume-'));
  const server = await startNatsServer({ auth: { user: 'u', password: 'other' } });
  writePrograms('subscribe.md', cwd);
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(cwd, 'node_modules'));
  const child = spawn(process.execPath, ['consume.ts', 'x.db', 'test', 'siderolink.>'], {
    ...{ cwd, env: { ...process.env, NATS_URL: server.url, NATS_USER: 'u', NATS_PASSWORD: 'secret' } },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said = async (what: RegExp): Promise<void> => {
    let text = '';
    for await (const part of child.stderr.iterator({ destroyOnReturn: false })) {
      text += part;
      if (what.test(text)) return;
    }
    throw new Error(`it never said ${what}: ${text}`);
  };
  try {
    await said(/Authorization/i);
    await server.reload({ auth: { user: 'u', password: 'secret' } });
    // There is no stream: it has asked.
    await said(/stream not found/i);
  } finally {
    const gone = once(child, 'exit');
    if (child.exitCode === null && child.kill()) await gone;
    await server.dispose();
    rmSync(cwd, { recursive: true });
  }
}, 120_000);
