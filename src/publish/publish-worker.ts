import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../lib/clock.ts';
import { RecordReader } from '../stream/record-reader.ts';
import { Engine } from './engine.ts';
import type { EngineOptions, FromEngine, ToEngine } from './protocol.ts';

const port = parentPort;
if (port === null) throw new Error('this module runs in a worker thread');

const options = workerData as EngineOptions;
const source = new RecordReader({ path: options.database, prefix: options.prefix });
const post = (message: FromEngine): void => {
  port.postMessage(message);
  if (message.kind !== 'stopped') return;
  source.close();
  port.close();
};
const engine = new Engine(options, { source, clock: systemClock, random: Math.random, post });
port.on('message', (message: ToEngine) => engine.receive(message));
engine.start();
