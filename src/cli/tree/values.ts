import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../domain/duration.ts';
import { labelKeyFault, labelValueFault } from '../../domain/labels.ts';
import { TUNNEL_SETTINGS } from '../../domain/tunnel.ts';
import { asNodeUuid } from '../../domain/uuid.ts';

/** How texts of the command line become values, each with words for who mistypes. */

export function wholeNumber(min: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min) {
      throw new InvalidArgumentError(`It is no whole number from ${min} on.`);
    }
    return value;
  };
}

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]/;

export function moment(text: string): string {
  if (RFC_3339.test(text) || isDuration(text)) return text;
  throw new InvalidArgumentError('It is neither a duration (10m, 2h) nor RFC 3339 (2026-01-31T12:00:00Z).');
}

export function duration(text: string): string {
  if (isDuration(text)) return text;
  throw new InvalidArgumentError('It is no duration: write 30d, 12h, 1h30m or 0.');
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return false;
  }
}

export function uuid(text: string): string {
  const value = asNodeUuid(text);
  if (value === undefined) {
    throw new InvalidArgumentError('It is no UUID: 8-4-4-4-12 hexadecimal digits, as the machine shows it.');
  }
  return value;
}

export type Labels = Readonly<Record<string, string>>;

/** `key=value`; may be repeated. */
export function label(text: string, before: Labels | undefined): Labels {
  const { key, value } = splitLabel(text);
  return { ...before, [key]: value };
}

/** What `label MACHINE k=v k-` asks for. */
export interface LabelChange {
  readonly set: Labels;
  readonly unset: readonly string[];
}

/** `key=value` sets, `key-` unsets. */
export function labelChange(text: string, before: LabelChange | undefined): LabelChange {
  const { set, unset } = before ?? { set: {}, unset: [] };
  if (text.includes('=')) {
    const { key, value } = splitLabel(text);
    if (unset.includes(key)) throw new InvalidArgumentError(`It is to be set and unset at once: ${key}.`);
    return { set: { ...set, [key]: value }, unset };
  }
  const key = text.slice(0, -1);
  if (!text.endsWith('-') || labelKeyFault(key) !== undefined) {
    throw new InvalidArgumentError('Write key=value to set a label, or key- to take it away.');
  }
  if (Object.hasOwn(set, key)) throw new InvalidArgumentError(`It is to be set and unset at once: ${key}.`);
  return { set, unset: [...unset, key] };
}

function splitLabel(text: string): { readonly key: string; readonly value: string } {
  const at = text.indexOf('=');
  if (at < 0) throw new InvalidArgumentError('Write a label as key=value.');
  const [key, value] = [text.slice(0, at), text.slice(at + 1)];
  const fault = labelKeyFault(key) ?? labelValueFault(value);
  if (fault !== undefined) throw new InvalidArgumentError(`It is no label: ${fault}.`);
  return { key, value };
}

export interface OwnershipOptions {
  readonly owner?: string;
  readonly namespace?: string;
  readonly cluster?: string;
  readonly metalMachine?: string;
  readonly machine?: string;
}

/** `--owner` and what belongs to it; `required` where there is no ownership without an owner. */
export function withOwnership(
  command: Command,
  words: string,
  required: 'required' | 'optional' = 'optional',
): Command {
  const owner = new Option('--owner <owner>', `${words}: the owner`).makeOptionMandatory(required === 'required');
  return command
    .addOption(owner)
    .option('--namespace <name>', '… and namespace')
    .option('--cluster <name>', '… and cluster')
    .option('--metal-machine <name>', '… and MetalMachine')
    .option('--machine <name>', '… and Machine');
}

/** As the API takes it. */
export function ownershipOf({ owner, namespace, cluster, metalMachine, machine }: OwnershipOptions) {
  return {
    ...(owner !== undefined && { owner }),
    ...(namespace !== undefined && { namespace }),
    ...(cluster !== undefined && { cluster }),
    ...(metalMachine !== undefined && { metal_machine: metalMachine }),
    ...(machine !== undefined && { machine }),
  };
}

/** What stands under the help of a command. */
export function examples(command: Command, ...lines: readonly string[]): Command {
  const text = lines.map((line) => (line.startsWith('#') ? `  ${line}` : `  siderolinkctl ${line}`)).join('\n');
  const places = command.registeredArguments.flatMap((argument) => PLACES[argument.name()] ?? []);
  return command.addHelpText('after', `\n${[...places, COMMON].join('\n')}\n\nExamples:\n${text}`);
}

/** What stands for something else in usages, where the words alone do not tell. */
const PLACES: Readonly<Record<string, string>> = {
  machine: '<machine>: a UUID, the beginning of one, a hostname or an address.',
  'token-id': '<token-id>: as `siderolinkctl token list` shows it, or the beginning of it.',
  filter: `<filter>: siderolink.OWNER.UUID.STREAM.DETAIL, where * is any one part and > all that follow; STREAM
is kmsg, log, event, link, machine or gap, and OWNER of a machine without one is _.`,
};

const COMMON = 'Every command takes -o json too, and --socket or --url: see siderolinkctl --help.';

/** RFC 3339 writes no later moment: a year has four digits. */
const LAST_MOMENT = Date.parse('9999-12-31T23:59:59.999Z');

/** RFC 3339 as it is; a duration counts from now. The API checks the rest. */
export function expiry(text: string, now: number): string {
  if (RFC_3339.test(text)) return text;
  return new Date(Math.min(now + parseDuration(text), LAST_MOMENT)).toISOString();
}

/** What `machine tunnel` takes. */
export const TUNNEL_CHOICES = [...TUNNEL_SETTINGS, 'inherit'] as const;
export type TunnelChoice = (typeof TUNNEL_CHOICES)[number];
