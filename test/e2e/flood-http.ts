/**
 * A process that floods the control API with tokens that nobody has: started by `flood.test.ts` in a network namespace, one
 * `HttpFloodPlan` in JSON as its argument, answers by status in JSON on its standard output.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

export interface HttpFloodPlan {
  readonly host: string;
  readonly port: number;
  readonly callers: number;
  readonly seconds: number;
  /** It goes on beyond its time until so many requests were answered. */
  readonly atLeast: number;
  /** A connection for each request. */
  readonly fresh: boolean;
}

const plan = JSON.parse(process.argv[2] ?? '') as HttpFloodPlan;
const end = performance.now() + plan.seconds * 1_000;
const answers: Record<string, number> = {};
let answered = 0;
const isOver = () => performance.now() >= end && answered >= plan.atLeast;

function request(): string {
  const token = `slc_${randomBytes(32).toString('base64url')}`;
  return `GET /v1/status HTTP/1.1\r\nHost: ${plan.host}:${plan.port}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
}

/** One connection, until the server or the plan ends it. The answers that come have no chunks: only their heads are read. */
function connection(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: plan.host, port: plan.port, noDelay: true });
    socket.once('connect', () => socket.write(request()));
    socket.on('error', () => {});
    socket.once('close', () => resolve());
    let text = '';
    socket.on('data', (part) => {
      text += part.toString('latin1');
      const head = text.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < head + 4 + length) return;
      const status = text.slice(9, 12);
      answers[status] = (answers[status] ?? 0) + 1;
      answered += 1;
      text = '';
      if (plan.fresh || isOver()) socket.destroy();
      else socket.write(request());
    });
  });
}

async function caller(): Promise<void> {
  while (!isOver()) await connection();
}

await Promise.all(Array.from({ length: plan.callers }, caller));
process.stdout.write(`${JSON.stringify(answers)}\n`);
