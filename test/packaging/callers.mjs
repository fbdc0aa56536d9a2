// Runs in the installed system, with what is installed there: calls API and kernel log sink again and again, each time on a
// connection of its own, until SIGTERM; then writes how the calls ended to /root/calls.json. Argument: the server's address.
import { writeFileSync } from 'node:fs';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';

const [server] = process.argv.slice(2);
const PAUSE_MS = 10;
const INVALID_ARGUMENT = '3';

const HEADERS = {
  ':method': 'POST',
  ':path': '/sidero.link.ProvisionService/Provision',
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** One call without a token, as it is the answer that counts: how it ended, or undefined where it was told not to have begun. */
function tryProvision() {
  return new Promise((resolve) => {
    const session = connectHttp2('http://127.0.0.1:8081');
    let notBegun = false;
    let failure;
    let status;
    session.on('error', (error) => {
      failure = error.code ?? error.message;
    });
    const call = session.request(HEADERS, { endStream: false });
    session.on('goaway', (_code, last) => {
      if (last < 1) notBegun = true;
    });
    // It says no more than that the connection is gone.
    call.on('error', () => {});
    for (const event of ['response', 'trailers']) {
      call.on(event, (headers) => {
        status = headers['grpc-status'] ?? status;
      });
    }
    call.on('close', () => {
      if (call.rstCode === constants.NGHTTP2_REFUSED_STREAM) notBegun = true;
      session.destroy();
    });
    session.on('close', () => {
      if (status !== undefined) resolve(status === INVALID_ARGUMENT ? 'answered' : `status ${status}`);
      else resolve(notBegun ? undefined : (failure ?? 'Connection dropped'));
    });
    call.resume();
    // The empty message.
    call.end(Buffer.alloc(5));
  });
}

/** As every gRPC client does: what the server says it has not begun is sent once more. */
async function provision() {
  for (;;) {
    const end = await tryProvision();
    if (end !== undefined) return end;
  }
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
  // On a busy host they are few, and some there must be.
  while (!stopping || (ends.answered ?? 0) <= 10) {
    const end = await call();
    ends[end] = (ends[end] ?? 0) + 1;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return ends;
}

const [api, kmsg] = await Promise.all([repeat(provision), repeat(log)]);
writeFileSync('/root/calls.json', JSON.stringify({ api, kmsg }));
