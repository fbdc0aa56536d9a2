/**
 * Does in a network namespace what `canary.test.ts` asks for: a list of `Deed`s in JSON on standard input, what was
 * answered, in the same order, on standard output. Not in arguments: those are searched for secrets.
 */
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';

export type Deed =
  /** Unary gRPC; `message` in base64. `ca`: PEM, for TLS. */
  | {
      readonly do: 'grpc';
      readonly target: string;
      readonly ca?: string;
      readonly path: string;
      readonly message: string;
    }
  /** Writes it on a connection of its own and closes that. */
  | { readonly do: 'tcp'; readonly host: string; readonly port: number; readonly text: string }
  | {
      readonly do: 'http';
      readonly port: number;
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: string;
    };

/** `status`: of gRPC or HTTP; `text`: all that was said. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

function grpc({ target, ca, path, message }: Extract<Deed, { do: 'grpc' }>): Promise<Answer> {
  const trust = ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca));
  const client = new Client(target, trust, { 'grpc.use_local_subchannel_pool': 1 });
  const bytes = (value: Buffer) => value;
  return new Promise((resolve) => {
    const answered = (error: ServiceError | null, value?: Buffer) => {
      client.close();
      const metadata = JSON.stringify(error?.metadata?.getMap() ?? {});
      resolve({
        status: error?.code ?? 0,
        text: `${error?.details ?? ''} ${metadata} ${value?.toString('latin1') ?? ''}`,
      });
    };
    const options = { deadline: Date.now() + 120_000 };
    client.makeUnaryRequest(path, bytes, bytes, Buffer.from(message, 'base64'), options, answered);
  });
}

function tcp({ host, port, text: what }: Extract<Deed, { do: 'tcp' }>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => socket.end(what));
    let said = '';
    socket.on('data', (part) => {
      said += part;
    });
    socket.on('error', reject);
    socket.once('close', () => resolve({ status: 0, text: said }));
  });
}

function http({ port, method, path, headers, body }: Extract<Deed, { do: 'http' }>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, async (response) => {
      const said = await text(response);
      resolve({ status: response.statusCode ?? 0, text: `${response.rawHeaders.join('\n')}\n${said}` });
    });
    call.on('error', reject);
    call.end(body);
  });
}

const answers: Answer[] = [];
for (const deed of JSON.parse(await text(process.stdin)) as Deed[]) {
  switch (deed.do) {
    case 'grpc':
      answers.push(await grpc(deed));
      break;
    case 'tcp':
      answers.push(await tcp(deed));
      break;
    case 'http':
      answers.push(await http(deed));
      break;
  }
}
process.stdout.write(JSON.stringify(answers));
