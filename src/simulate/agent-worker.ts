/** The process of one machine, inside of its network namespace. Its parent talks to it over IPC. */
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { systemClock } from '../lib/clock.ts';
import type { AgentMessage, AgentRequest, AgentSetup } from './agent-protocol.ts';
import { parseBootArguments } from './boot-args.ts';
import { BootScripts } from './boot-scripts.ts';
import { type RebootOptions, SimulatedMachine } from './machine.ts';
import { NamespaceNetwork } from './namespace-network.ts';
import type { Outage } from './network.ts';
import { talosProfile } from './profile.ts';
import { systemCommand } from './system-command.ts';
import type { ApiFault } from './talos-api.ts';

let machine: SimulatedMachine | undefined;

function send(message: AgentMessage): void {
  // A parent that is gone is noticed by `disconnect`.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

async function setUp({ machine: options, linkInterface, worldInterface }: AgentSetup): Promise<SimulatedMachine> {
  const { version, kernelArguments, joinToken, ...rest } = options;
  const profile = talosProfile(version);
  const network = new NamespaceNetwork({ linkInterface, worldInterface }, { run: systemCommand, clock: systemClock });
  const args = parseBootArguments(kernelArguments, profile, joinToken);
  await network.shield([...(args.events ? [args.events.host] : []), ...args.kmsg.map(({ host }) => host)]);
  machine = new SimulatedMachine(
    { talosApi: true, ...rest, profile, args },
    { network, scripts: new BootScripts(), onNotice: (notice) => send({ kind: 'notice', notice }) },
  );
  return machine;
}

function theMachine(): SimulatedMachine {
  if (machine === undefined) throw new SiderolinkError('internal', 'the machine is not set up yet');
  return machine;
}

async function perform({ call, argument }: AgentRequest): Promise<unknown> {
  switch (call) {
    case 'setup':
      return (await setUp(argument as AgentSetup)).state;
    case 'start':
      return await theMachine().start();
    case 'reboot':
      return await theMachine().reboot(argument as RebootOptions);
    case 'stop':
      return await theMachine().stop(argument as { abrupt?: boolean });
    case 'state':
      return theMachine().state;
    case 'configure':
      return await theMachine().configure();
    case 'meta':
      return theMachine().meta;
    case 'deleteMeta':
      return theMachine().deleteMeta(argument as number);
    case 'setApiFault':
      return await theMachine().setApiFault(argument as ApiFault);
    case 'setMeta': {
      const { key, value } = argument as { key: number; value: string };
      return theMachine().setMeta(key, value);
    }
    case 'setOutage':
      return await theMachine().setOutage(argument as Outage);
    case 'log':
      return theMachine().log(argument as string);
    case 'replayKmsg':
      return theMachine().replayKmsg();
    case 'close':
      return await machine?.close();
  }
}

async function handle(request: AgentRequest): Promise<void> {
  const { id } = request;
  try {
    send({ kind: 'answer', id, value: await perform(request) });
  } catch (error) {
    send({ kind: 'error', id, message: errorMessage(error) });
  }
}

// Ctrl-C reaches the whole group of processes; the parent decides what it means.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('message', (request: AgentRequest) => void handle(request));
process.on('disconnect', () => {
  void (async () => {
    await machine?.close();
    process.exit(0);
  })();
});
