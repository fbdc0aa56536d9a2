import type { Command } from 'commander';
import {
  type TokenCreateOptions,
  tokenCreate,
  tokenDelete,
  tokenGet,
  tokenList,
  tokenRevoke,
  tokenRotate,
} from '../commands/token.ts';
import type { Run } from '../context.ts';
import { duration, examples, label, moment, uuid, wholeNumber, withOwnership } from './values.ts';

const EXPIRES = 'a duration from now (30d, 12h) or RFC 3339; default: never';

export function addTokenCommands(program: Command, run: Run): void {
  const token = program.command('token').description('join tokens: what a machine shows to join');
  const create = token
    .command('create [name]')
    .description('make a join token; stdout gets it once, and nothing else')
    .option('--expires <time>', EXPIRES, moment)
    .option('--max-uses <n>', 'how many machines may join first with it', wholeNumber(1))
    .option('--uuid <uuid>', 'the only machine that may join with it', uuid)
    .option('--label <key=value>', 'a label for machines that join first with it; may be repeated', label)
    .action(
      run((context, name: string | undefined, options: Omit<TokenCreateOptions, 'name'>) =>
        tokenCreate(context, { ...options, name: name ?? '' }),
      ),
    );
  withOwnership(create, 'for machines that join first with it');
  examples(
    create,
    "token create 'rack 7' --expires 30d --max-uses 40",
    'token create acme --owner acme --cluster prod --label rack=r7',
    'token create spare --uuid 71233efd-7a07-43f8-b6ba-000000000001 >token',
  );
  const list = token
    .command('list')
    .description('all join tokens, without secrets')
    .action(run((context) => tokenList(context)));
  examples(list, 'token list', 'token list -o wide', 'token list -o json | jq -r .id');
  const get = token
    .command('get <token-id>')
    .description('a join token, and the machines that its revocation would cut')
    .action(run(tokenGet));
  examples(get, 'token get k3xT0a');
  const revoke = token
    .command('revoke <token-id>')
    .description('no machine joins with it any more; asks first if that cuts machines')
    .option('-y, --yes', 'do not ask')
    .action(run(tokenRevoke));
  examples(revoke, 'token revoke k3xT0a', 'token revoke --yes k3xT0a');
  const rotate = token
    .command('rotate <token-id>')
    .description('make one like it, and let it expire; stdout gets the new one once, and nothing else')
    .requiredOption('--overlap <duration>', 'how long the old one stays valid (7d); 0 ends it at once', duration)
    .option('--expires <time>', `of the new one: ${EXPIRES}`, moment)
    .action(run(tokenRotate));
  examples(rotate, 'token rotate k3xT0a --overlap 7d', 'token rotate k3xT0a --overlap 1d --expires 90d >token');
  const remove = token
    .command('delete <token-id>')
    .description('forget one that is revoked or expired')
    .action(run(tokenDelete));
  examples(remove, 'token delete k3xT0a');
}
