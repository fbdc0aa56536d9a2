import { readFileSync } from 'node:fs';
import { errorMessage, SiderolinkError } from '../../domain/errors.ts';
import { type Context, printJson } from '../context.ts';

export interface KernelArgsOptions {
  readonly token?: string;
  readonly joinTokenFile?: string;
  readonly tunnel?: boolean;
  readonly talosVersion?: string;
  readonly config?: boolean;
}

export async function kernelArgs(context: Context, options: KernelArgsOptions): Promise<void> {
  const token = options.joinTokenFile === undefined ? options.token : readToken(options.joinTokenFile);
  const answer = await context.client.kernelArgs({
    ...(token !== undefined && { token }),
    ...(options.tunnel === true && { tunnel: true }),
    ...(options.talosVersion !== undefined && { talos_version: options.talosVersion }),
  });
  if (context.format === 'json') return printJson(context, answer);
  for (const warning of answer.warnings) context.err(`${context.style.yellow('warning')}: ${warning}\n`);
  if (token === undefined)
    context.err('put a join token where JOIN_TOKEN stands (`siderolinkctl token create NAME`)\n');
  if (options.config !== true) return context.out(`${answer.command_line}\n`);
  if (answer.documents === null) {
    throw new SiderolinkError('invalid_argument', 'that Talos knows no such machine-config documents; they need 1.5');
  }
  context.out(answer.documents);
}

/** The first line of a file; `-` is stdin. */
function readToken(path: string): string {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new SiderolinkError('invalid_argument', `cannot read --join-token-file: ${errorMessage(error)}`);
  }
  const token = text.trim();
  if (token === '' || /\s/.test(token)) {
    throw new SiderolinkError('invalid_argument', `--join-token-file ${path} holds no single join token`);
  }
  return token;
}
