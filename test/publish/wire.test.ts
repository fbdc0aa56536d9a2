import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { NatsWire } from '../../src/publish/nats-wire.ts';
import type { Refusal } from '../../src/publish/wire.ts';
import { startNatsServer } from '../helpers/nats-server.ts';
import { FakeBroker } from './lanes-model.ts';
import { describeWire, type Heard } from './wire-contract.ts';
import { STREAM } from './world.ts';

describeWire('the broker of the lanes model', async () => {
  const broker = new FakeBroker();
  const heard: Heard[] = [];
  const listener = {
    answered: (lane: number, seq: number, answer: Heard['answer']) => heard.push({ lane, seq, answer }),
  };
  let outcome: 'store' | Refusal = 'store';
  return {
    heard,
    connect: async () => broker.connect(),
    arrive: async () => {
      while (broker.flying > 0) broker.take(0, listener, outcome);
    },
    become: async (what) => {
      outcome = what === 'well' ? 'store' : what === 'full' ? 'full' : 'no_stream';
      if (what === 'gone') broker.lose(Number.POSITIVE_INFINITY);
    },
    loseAll: async () => broker.lose(Number.POSITIVE_INFINITY),
    end: async () => broker.disconnect(),
    dispose: async () => {},
  };
});

describeWire('nats-server', async () => {
  const server = await startNatsServer();
  const control = await connect({ servers: server.url });
  const { streams } = await jetstreamManager(control);
  const config = { name: STREAM, subjects: ['siderolink.>'], discard: 'new' as const };
  await streams.add(config);
  const heard: Heard[] = [];
  const connections: NatsConnection[] = [];
  let sent = 0;
  let wire: NatsWire | undefined;
  return {
    heard,
    connect: async () => {
      const made = await connect({ servers: server.url });
      wire?.close();
      const { config: facts } = await streams.info(STREAM);
      wire = new NatsWire(facts, {
        connection: made,
        onAnswer: (lane, seq, answer) => heard.push({ lane, seq, answer }),
      });
      connections.push(made);
      const { maxBytes } = wire;
      const current = wire;
      const send = current.send.bind(current);
      return {
        maxBytes,
        send: (lane, seq, message) => {
          if (wire === current) sent += 1;
          send(lane, seq, message);
        },
      };
    },
    arrive: async () => {
      while (heard.length < sent) await connections.at(-1)?.flush();
    },
    become: async (what) => {
      if (what === 'gone') await streams.delete(STREAM);
      else if (what === 'well') await streams.add(config);
      else await streams.update(STREAM, { max_msgs: 1 });
    },
    loseAll: async () => {
      await streams.delete(STREAM);
      await streams.add(config);
    },
    end: async () => connections.at(-1)?.close(),
    dispose: async () => {
      for (const connection of connections) await connection.close();
      await control.close();
      await server.dispose();
    },
  };
});
