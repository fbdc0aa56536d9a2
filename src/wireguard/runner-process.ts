import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { MemoryFile } from './memory-file.ts';
import { CommandRunner } from './runner.ts';
import { OUTPUT_FILE, type RunnerAnswer, type RunnerRequest } from './separate-runner.ts';

/** The process of `SeparateRunner`: runs what it is told and ends with the one that told it. */
const runner = new CommandRunner();
const file = new MemoryFile(OUTPUT_FILE);
/** What goes into the file; one piece of memory for all that does. */
let bytes = Buffer.alloc(0);

// A terminal's Ctrl-C reaches the whole process group, but the daemon still needs commands in order to stop.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());

process.on('message', ({ id, argv, options, toFile }: RunnerRequest) => {
  void runner
    .run(argv, options)
    .then((stdout): RunnerAnswer => {
      const stored = toFile ? store(stdout) : undefined;
      return stored === undefined ? { id, stdout } : { id, stored };
    })
    .catch((error: unknown): RunnerAnswer => {
      const details = error instanceof SiderolinkError ? error.details : {};
      return { id, failure: { message: errorMessage(error), details } };
    })
    .then((answer) => process.send?.(answer));
});

/** How many bytes are in the file now; `undefined` if they cannot be there: then they go into the answer. */
function store(text: string): number | undefined {
  const length = Buffer.byteLength(text);
  if (bytes.length < length) bytes = Buffer.allocUnsafeSlow(2 * length);
  bytes.write(text);
  try {
    file.write(bytes.subarray(0, length));
    return length;
  } catch {
    return undefined;
  }
}
