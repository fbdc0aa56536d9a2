import type { Machine } from '../../client/api.ts';
import { errorCode, SiderolinkError } from '../../domain/errors.ts';
import { confirm } from '../confirm.ts';
import { type Context, printJson } from '../context.ts';
import { nameOf, resolveMachine, resolveMachines } from '../resolve.ts';
import { labelText, ownershipText, printable } from '../text.ts';
import {
  type LabelChange,
  type Labels,
  type OwnershipOptions,
  ownershipOf,
  type TunnelChoice,
} from '../tree/values.ts';
import { changeEach, eachMachine, hinting, tell, withHint } from './each-machine.ts';

export interface AddOptions extends OwnershipOptions {
  readonly label?: Labels;
  readonly uniqueToken?: boolean;
}

export async function machineAdd(context: Context, uuid: string, options: AddOptions): Promise<void> {
  const before = await known(context, uuid);
  const wanted = {
    ...ownershipOf(options),
    ...(options.label !== undefined && { labels: options.label }),
    ...(options.uniqueToken === true && { unique_token: true }),
  };
  const { machine, created } = await adding(uuid, context.client.registerMachine(uuid, wanted));
  if (context.format === 'json') return printJson(context, machine);
  const same = before?.version === machine.version;
  const what = created ? 'is known' : same ? 'was known so already' : 'was known already, and is now as given';
  const line = `${nameOf(machine)} ${what}; its address is ${machine.address}\n`;
  if (machine.unique_token_secret === null) return context.out(line);
  // The secret alone on stdout, so that a script takes it as it is.
  context.err(`${line}its unique token, for SideroLinkConfig.uniqueToken; this is the only time that it is shown:\n`);
  context.out(`${machine.unique_token_secret}\n`);
}

async function known({ client }: Context, uuid: string): Promise<Machine | undefined> {
  try {
    return await client.machine(uuid);
  } catch (error) {
    if (errorCode(error) === 'not_found') return undefined;
    throw error;
  }
}

async function adding<T>(uuid: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (errorCode(error) !== 'conflict') throw error;
    throw withHint(error, `\`machine claim\` and \`machine label\` do; \`siderolinkctl machine get ${uuid}\` shows it`);
  }
}

export interface ConditionOptions {
  readonly ifVersion?: number;
}

export interface ClaimOptions extends OwnershipOptions, ConditionOptions {
  readonly owner: string;
  readonly transfer?: boolean;
}

/** Conditional on what was seen, so that of two who claim at once one is told. */
export async function machineClaim(context: Context, text: string, options: ClaimOptions): Promise<void> {
  const machine = await resolveMachine(context.client, text);
  if (options.transfer !== true && machine.owner !== undefined && machine.owner !== options.owner) {
    throw new SiderolinkError(
      'conflict',
      `${nameOf(machine)} belongs to ${JSON.stringify(machine.owner)}; --transfer takes it from there`,
    );
  }
  const ownership = { ...ownershipOf(options), owner: options.owner };
  const condition = { ifMatch: options.ifVersion ?? machine.version };
  const after = await hinting(machine, context.client.claimMachine(machine.server_uuid, ownership, condition));
  const from = machine.owner === undefined || machine.owner === options.owner ? '' : `, no more to ${machine.owner}`;
  tell(context, machine, after, {
    done: printable(`belongs to ${ownershipText(after)}${from}`),
    before: printable(`belonged to ${ownershipText(after)} already`),
  });
}

export async function machineRelease(context: Context, text: string, options: ConditionOptions): Promise<void> {
  const machine = await resolveMachine(context.client, text);
  const condition = { ifMatch: options.ifVersion ?? machine.version };
  const after = await hinting(machine, context.client.releaseMachine(machine.server_uuid, condition));
  const from = printable(ownershipText(machine));
  tell(context, machine, after, {
    done: `belongs to nobody, no more to ${from}`,
    before: 'belonged to nobody already',
  });
}

export async function machineLabel(context: Context, text: string, change: LabelChange): Promise<void> {
  const machine = await resolveMachine(context.client, text);
  const patch = { labels: { set: change.set, unset: [...change.unset] } };
  const after = await hinting(machine, context.client.patchMachine(machine.server_uuid, patch));
  const labels = labelText(after.labels);
  tell(context, machine, after, { done: `has the labels ${labels}`, before: `had the labels ${labels} already` });
}

/** `inherit`: whatever `join.tunnel` says. */
export async function machineTunnel(context: Context, setting: TunnelChoice, texts: readonly string[]): Promise<void> {
  const tunnel = setting === 'inherit' ? null : setting;
  const change = ({ server_uuid }: Machine) => context.client.patchMachine(server_uuid, { tunnel });
  const words = `the tunnel setting ${setting}`;
  await eachMachine(context, texts, change, {
    done: `has ${words}, from its next call of Provision on`,
    before: `had ${words} already`,
  });
}

export interface RemoveOptions {
  readonly records?: boolean;
  readonly yes?: boolean;
}

export async function machineRemove(
  context: Context,
  texts: readonly string[],
  { records = false, yes = false }: RemoveOptions,
): Promise<void> {
  const machines = await resolveMachines(context.client, texts);
  const there = machines.filter(({ state }) => state !== 'removed');
  if (!yes && (there.length > 0 || records)) {
    for (const machine of machines) context.err(`${nameOf(machine)}, ${machine.state}, link ${machine.link.state}\n`);
    const what = machines.length === 1 ? 'this machine' : `these ${machines.length} machines`;
    const also = records ? ' and delete all logs and events of it' : '';
    if (!(await confirm(context, `Remove ${what}${also}?`))) return context.err('nothing is removed\n');
  }
  await changeEach(context, machines, ({ server_uuid }) => context.client.removeMachine(server_uuid, { records }), {
    done: `is removed${records ? ', with its records' : ''}; \`machine readmit\` brings it back with its address`,
    before: `was removed already${records ? '; its records are deleted' : ''}`,
  });
}
