import { type Command, InvalidArgumentError, Option } from 'commander';
import { LEVELS } from '../../domain/record.ts';
import { events, logs, stream } from '../commands/records.ts';
import { republish } from '../commands/republish.ts';
import type { Run } from '../context.ts';
import { TIMES } from '../line-time.ts';
import { examples, moment, wholeNumber } from './values.ts';

/** The levels that one may ask for. What has another one is `other` in subjects. */
const NAMED_LEVELS = LEVELS.slice(0, -1);

export function addRecordCommands(program: Command, run: Run): void {
  const addLogs = program
    .command('logs [machine...]')
    .description('kernel logs of machines, as dmesg prints them; of several in the order of receipt')
    .addOption(
      new Option('--level <level>', 'this level and worse; or several, with commas, and no other')
        .choices(NAMED_LEVELS)
        .argParser(levels),
    )
    .option('--service <service>', "a service's log instead of the kernel's; all: of all services")
    .addOption(
      new Option('--time <kind>', "the machine's own time, that of receipt, or since its boot")
        .choices(TIMES)
        .default('kernel'),
    );
  withReading(addLogs).action(run(logs));
  examples(
    addLogs,
    'logs -f cp-1',
    'logs cp-1 --since 10m --level warn --grep usb',
    'logs cp-1 --boot -1 --tail 50 --time boot',
    "logs -f -l 'rack in (r7, r8)' --level error",
    'logs cp-1 cp-2 --service etcd --since 1h',
  );
  const addEvents = program
    .command('events [machine...]')
    .description('events of machines, one a line; of several in the order of receipt');
  withReading(addEvents).action(run(events));
  examples(addEvents, 'events cp-1', 'events -f cp-1 cp-2 --since 1h', 'events --owner acme --grep etcd');
  const addStream = program
    .command('stream <filter...>')
    .description(
      'records as they come, by subject (siderolink.>), until Ctrl-C or --until; JSON lines unless stdout is a terminal',
    )
    .addOption(
      new Option('--after <seq>', 'start after this record').argParser(wholeNumber(0)).conflicts(['since', 'tail']),
    )
    .addOption(since())
    .addOption(new Option('--tail <n>', 'start with the last so many').argParser(wholeNumber(1)).conflicts('since'))
    .addOption(new Option('--until <time>', 'only what is stored up to there, and then end').argParser(moment))
    .action(run(stream));
  examples(
    addStream,
    "stream 'siderolink.>'",
    "stream --since 2h 'siderolink.acme.*.kmsg.error' 'siderolink.acme.*.event.>'",
    "stream 'siderolink.*.*.machine.>' --since 1d --until 1h | jq .body",
  );
}

export function addRepublishCommand(program: Command, run: Run): void {
  const command = program
    .command('republish [filter...]')
    .description('publish kept records to NATS JetStream once more, in the order of each machine')
    .option('--machine <machine>', 'of this machine')
    .addOption(new Option('--after <seq>', 'those after this seq').argParser(wholeNumber(0)))
    .addOption(new Option('--before <seq>', 'those before this seq').argParser(wholeNumber(1)))
    .addOption(since())
    .addOption(new Option('--until <time>', 'likewise, to there').argParser(moment))
    .action(run(republish));
  examples(
    command,
    "republish 'siderolink.acme.>' --since 2h",
    'republish --after 4711 --before 5000',
    "republish '>'",
  );
}

/** Which machines, and which of their records. */
function withReading(command: Command): Command {
  return command
    .option('-f, --follow', 'and what comes, until Ctrl-C')
    .addOption(new Option('--tail <n>', 'only the last so many (with -f: 100)').argParser(wholeNumber(1)))
    .addOption(since())
    .addOption(new Option('--until <time>', 'likewise, to there').argParser(moment).conflicts('follow'))
    .option('--grep <text>', 'only with this text, in whatever case', someText)
    .option('--boot <n>', 'of this boot; 0 is the current one, -1 the one before (with -f: from it on)', wholeSigned)
    .option('-l, --selector <selector>', 'machines by labels: rack=r7, rack in (r7,r8), !retired, slots > 3')
    .option('--owner <owner>', 'machines of this owner; _ for those without one')
    .option('--all', 'all machines');
}

function since(): Option {
  return new Option('--since <time>', 'a duration before now (10m, 2h) or RFC 3339').argParser(moment);
}

/** The levels of subjects. What has no known level is never left out, unless levels are listed. */
function levels(text: string): readonly string[] {
  const named = text.split(',');
  const [only = '', ...more] = named;
  const unknown = named.filter((name) => !(NAMED_LEVELS as readonly string[]).includes(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`Allowed choices are ${NAMED_LEVELS.join(', ')}.`);
  return more.length > 0 ? [...new Set(named)] : LEVELS.slice((LEVELS as readonly string[]).indexOf(only));
}

function someText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

function wholeSigned(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('It is no whole number.');
  return value;
}
