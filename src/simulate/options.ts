import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { SiderolinkError } from '../domain/errors.ts';
import { parseNodeUuid } from '../domain/uuid.ts';
import { parseBootArguments } from './boot-args.ts';
import { talosProfile } from './profile.ts';

/** What `siderolinkd simulate` was asked for. Times are milliseconds. */
export interface SimulateOptions {
  readonly count: number;
  readonly kernelArguments: string;
  readonly joinToken: string | undefined;
  /** Talos versions, given to the machines in turn. */
  readonly profiles: readonly [string, ...string[]];
  readonly seed: number;
  readonly transport: 'namespace' | 'direct';
  readonly gateway: string | undefined;
  readonly rebootEvery: number | undefined;
  readonly kexec: boolean;
  readonly rate: number;
  readonly speed: number;
  readonly duration: number | undefined;
  readonly loseMeta: boolean;
  readonly maintenance: boolean;
  /** Machines begin in maintenance mode and get their configuration so long after they were started. */
  readonly configureAfter: number | undefined;
  /** Also in direct mode; machines in namespaces always have it. */
  readonly talosApi: boolean;
  readonly uuid: string | undefined;
  readonly ca: string | undefined;
  readonly json: boolean;
}

/** @throws SiderolinkError `invalid_argument` for what cannot be combined, or a file that cannot be read */
export function readSimulateOptions(command: Command): SimulateOptions {
  const given = command.opts<Record<string, string | number | boolean | undefined>>();
  const text = (key: string): string | undefined => (typeof given[key] === 'string' ? given[key] : undefined);
  const number = (key: string): number | undefined => (typeof given[key] === 'number' ? given[key] : undefined);
  const [profile = '1.13', ...others] = (text('profile') ?? '').split(',').map((version) => version.trim());
  const count = number('count') ?? 1;
  const uuid = text('uuid');
  if (uuid !== undefined && count !== 1) {
    throw new SiderolinkError('invalid_argument', '--uuid is for one machine: use it with --count 1');
  }
  const options: SimulateOptions = {
    count,
    kernelArguments: kernelArguments(text('api'), text('kernelArgs'), text('kernelArgsFile')),
    joinToken: readOptional(text('joinTokenFile')),
    profiles: [profile, ...others],
    seed: number('seed') ?? 1,
    transport: text('transport') === 'direct' ? 'direct' : 'namespace',
    gateway: text('gatewayNetns'),
    rebootEvery: number('rebootEvery'),
    kexec: given['kexec'] === true,
    rate: number('rate') ?? 0,
    speed: number('speed') ?? 1,
    duration: number('duration'),
    loseMeta: given['loseMeta'] === true,
    maintenance: given['maintenance'] === true,
    configureAfter: number('configureAfter'),
    talosApi: given['talosApi'] === true,
    uuid: uuid === undefined ? undefined : parseNodeUuid(uuid),
    ca: readOptional(text('caFile')),
    json: given['json'] === true,
  };
  for (const version of options.profiles) {
    parseBootArguments(options.kernelArguments, talosProfile(version), options.joinToken);
  }
  return options;
}

function kernelArguments(api: string | undefined, args: string | undefined, file: string | undefined): string {
  const given = [api, args, file].filter((value) => value !== undefined);
  if (given.length !== 1) {
    throw new SiderolinkError('invalid_argument', 'give one of --api, --kernel-args and --kernel-args-file');
  }
  if (api !== undefined) return `siderolink.api=${api}`;
  return args ?? readOptional(file) ?? '';
}

function readOptional(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new SiderolinkError('invalid_argument', `cannot read ${file}`, {}, { cause: error });
  }
}
