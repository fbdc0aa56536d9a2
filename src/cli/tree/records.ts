import { type Command, Option } from 'commander';
import { LEVELS } from '../../domain/record.ts';
import { events, logs, stream } from '../commands/records.ts';
import type { Run } from '../context.ts';
import { examples, moment, wholeNumber } from './values.ts';

export function addRecordCommands(program: Command, run: Run): void {
  const since = () => new Option('--since <time>', 'a duration before now (10m, 2h) or RFC 3339').argParser(moment);
  const tail = () =>
    new Option('--tail <n>', 'only the last so many (with -f: 100)').argParser(wholeNumber(1)).conflicts('since');
  const addLogs = program
    .command('logs <machine>')
    .description("a machine's kernel log, as dmesg prints it")
    .option('-f, --follow', 'and what comes, until Ctrl-C')
    .addOption(tail())
    .addOption(since())
    .addOption(new Option('--level <level>', 'this level and worse').choices(LEVELS.slice(0, -1)))
    .option('--service <service>', "a service's log instead of the kernel's")
    .action(run(logs));
  examples(addLogs, 'logs -f cp-1', 'logs cp-1 --since 10m --level warn', 'logs cp-1 --service etcd --tail 50');
  const addEvents = program
    .command('events <machine>')
    .description("a machine's events, one a line")
    .option('-f, --follow', 'and what comes, until Ctrl-C')
    .addOption(tail())
    .addOption(since())
    .action(run(events));
  examples(addEvents, 'events cp-1', 'events -f cp-1 --since 1h');
  const addStream = program
    .command('stream <filter...>')
    .description(
      'records as they come, by subject (siderolink.>), until Ctrl-C; JSON lines unless stdout is a terminal',
    )
    .addOption(
      new Option('--after <seq>', 'start after this record').argParser(wholeNumber(0)).conflicts(['since', 'tail']),
    )
    .addOption(since())
    .addOption(new Option('--tail <n>', 'start with the last so many').argParser(wholeNumber(1)).conflicts('since'))
    .action(run(stream));
  examples(addStream, "stream 'siderolink.>'", "stream 'siderolink.acme.*.event.>' --since 1h | jq .body");
}
