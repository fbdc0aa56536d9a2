// Runs in the installed system, with what is installed there: calls API and kernel log sink again and again, each time on a
// connection of its own, until SIGTERM; then writes how the calls ended to /root/calls.json. Argument: the server's address.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';

const { Client, credentials, status } = createRequire('/usr/lib/siderolinkd/dist/')('@grpc/grpc-js');
const [server] = process.argv.slice(2);
const PAUSE_MS = 10;

/** Without a token: it is the answer that counts. */
function provision() {
  const client = new Client('127.0.0.1:8081', credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const raw = (bytes) => bytes;
  const deadline = { deadline: Date.now() + 60_000 };
  return new Promise((resolve) => {
    client.makeUnaryRequest('/sidero.link.ProvisionService/Provision', raw, raw, Buffer.alloc(0), deadline, (error) => {
      client.close();
      const answered = error?.code === status.INVALID_ARGUMENT;
      resolve(answered ? 'answered' : `${error?.code} ${error?.details}`);
    });
  });
}

function log() {
  return new Promise((resolve) => {
    const socket = connect({ host: server, port: 4001 });
    socket.once('connect', () => {
      socket.destroy();
      resolve('answered');
    });
    socket.once('error', (error) => resolve(error.code));
  });
}

let stopping = false;
process.once('SIGTERM', () => {
  stopping = true;
});

async function repeat(call) {
  const ends = {};
  while (!stopping) {
    const end = await call();
    ends[end] = (ends[end] ?? 0) + 1;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return ends;
}

const [api, kmsg] = await Promise.all([repeat(provision), repeat(log)]);
writeFileSync('/root/calls.json', JSON.stringify({ api, kmsg }));
