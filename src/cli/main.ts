#!/usr/bin/env node
import { createInterface } from 'node:readline/promises';
import { ERRORS } from '../domain/errors.ts';
import { systemClock } from '../lib/clock.ts';
import type { Io } from './context.ts';
import { execute } from './execute.ts';

/** 128 + the signal's number, as shells have it. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** How long a command that was told to end may take. */
const GRACE_MS = 1_000;

const abort = new AbortController();
const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  rawOut: process.stdout,
  env: process.env,
  outIsTty: process.stdout.isTTY === true,
  errIsTty: process.stderr.isTTY === true,
  columns: () =>
    process.stdout.isTTY ? process.stdout.columns || Number(process.env['COLUMNS']) || undefined : undefined,
  ask: process.stdin.isTTY === true && process.stderr.isTTY === true ? ask : undefined,
  clock: systemClock,
  signal: abort.signal,
};

// `siderolinkctl stream | head` ends when head has enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : ERRORS.internal.exit));
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.exitCode = SIGNAL_CODES[signal];
    abort.abort();
    // What does not listen to the signal, as a call under way, is left where it is.
    systemClock.after(GRACE_MS, () => process.exit());
    process.once(signal, () => process.exit());
  });
}

// The pauses between tries do not keep a process alive, and a command has nothing else then that would.
const alive = setInterval(() => {}, 2 ** 30);
try {
  const code = await execute(process.argv.slice(2), io);
  if (!abort.signal.aborted) process.exitCode = code;
} finally {
  clearInterval(alive);
}

/** On standard error, so that standard output is the command's result alone. Without an answer: nothing. */
async function ask(question: string): Promise<string> {
  // Not as a terminal of its own: Ctrl-C stays the signal that it is everywhere.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('\n')));
  try {
    const answer = await Promise.race([lines.question(question, { signal: abort.signal }), closed]);
    if (answer === '\n') io.err('\n');
    return answer;
  } finally {
    lines.close();
  }
}
