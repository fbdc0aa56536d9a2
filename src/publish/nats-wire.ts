import { createInbox, type MsgHdrs, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { errorMessage } from '../domain/errors.ts';
import { parseAnswer } from './answers.ts';
import type { Message } from './message.ts';
import type { StreamFacts } from './stream-config.ts';
import type { Answer, Wire } from './wire.ts';

export interface NatsWireDeps {
  readonly connection: NatsConnection;
  readonly onAnswer: (lane: number, seq: number, answer: Answer) => void;
}

/**
 * Sends messages with reply subjects that name lane and seq, and hears all answers through one subscription: an answer
 * to any try of a message tells that it is stored. The library's own requests would cost a timer and a promise each.
 */
export class NatsWire implements Wire {
  readonly maxBytes: number;
  readonly #connection: NatsConnection;
  readonly #inbox: string;
  readonly #answers: Subscription;
  readonly #onAnswer: NatsWireDeps['onAnswer'];

  constructor(stream: StreamFacts, { connection, onAnswer }: NatsWireDeps) {
    this.#connection = connection;
    this.#onAnswer = onAnswer;
    this.maxBytes = maxBytes(stream, connection);
    this.#inbox = createInbox();
    const start = this.#inbox.length + 1;
    this.#answers = connection.subscribe(`${this.#inbox}.>`, {
      callback: (error, message) => {
        // Without permission to hear answers there are none: told by the connection's status.
        if (error !== null) return;
        const dot = message.subject.indexOf('.', start);
        const lane = Number(message.subject.slice(start, dot));
        const seq = Number(message.subject.slice(dot + 1));
        onAnswer(lane, seq, parseAnswer(message.headers?.code ?? 0, message.string(), stream.name));
      },
    });
  }

  /** Whether it is as a new one would be. */
  isFor(stream: StreamFacts): boolean {
    return maxBytes(stream, this.#connection) === this.maxBytes;
  }

  /** Hears no more answers. */
  close(): void {
    this.#answers.unsubscribe();
  }

  send(lane: number, seq: number, message: Message): void {
    const reply = `${this.#inbox}.${lane}.${seq}`;
    const headers = new Encoded(message.head) as unknown as MsgHdrs;
    try {
      this.#connection.publish(message.subject, message.payload, { headers, reply });
    } catch (error) {
      // A connection that is being closed says so; nothing here may end the thread, or that message ends it again and again.
      queueMicrotask(() => this.#onAnswer(lane, seq, { stored: false, reason: 'other', message: errorMessage(error) }));
    }
  }
}

/** Headers in their final form: to send them, the library asks for nothing but this. */
class Encoded {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  encode(): Uint8Array {
    return Buffer.from(this.#text, 'latin1');
  }
}

/** What server and stream take at most, headers included; a stream has a limit of its own or -1. */
function maxBytes({ max_msg_size: streamBytes = -1 }: StreamFacts, { info }: NatsConnection): number {
  const serverBytes = info?.max_payload ?? Number.POSITIVE_INFINITY;
  return streamBytes > 0 ? Math.min(streamBytes, serverBytes) : serverBytes;
}
