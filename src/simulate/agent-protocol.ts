import type { MachineNotice, MachineOptions, MachineState, RebootOptions } from './machine.ts';
import type { Outage } from './network.ts';
import type { ApiFault } from './talos-api.ts';

/** What a machine in a namespace is told at its start; its `talosApi` is on by default. Secrets travel here, never in its arguments. */
export interface AgentOptions extends Omit<MachineOptions, 'profile' | 'args'> {
  /** Talos version, `1.13`. */
  readonly version: string;
  readonly kernelArguments: string;
  /** Takes the place of the token in the arguments. */
  readonly joinToken?: string;
}

export interface AgentSetup {
  readonly machine: AgentOptions;
  readonly linkInterface: string;
  readonly worldInterface: string;
}

/** What a machine can be told; each is answered once, in any order. */
export interface AgentCalls {
  setup(setup: AgentSetup): MachineState;
  start(): undefined;
  reboot(options: RebootOptions): undefined;
  stop(options: { readonly abrupt?: boolean }): undefined;
  state(): MachineState;
  configure(): undefined;
  meta(): ReadonlyMap<number, string>;
  setMeta(entry: { readonly key: number; readonly value: string }): boolean;
  deleteMeta(key: number): boolean;
  setApiFault(fault: ApiFault): undefined;
  setOutage(outage: Outage): undefined;
  log(message: string): number | undefined;
  replayKmsg(): undefined;
  close(): undefined;
}

export interface AgentRequest {
  readonly id: number;
  readonly call: keyof AgentCalls;
  readonly argument: unknown;
}

export type AgentMessage =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly message: string }
  | { readonly kind: 'notice'; readonly notice: MachineNotice };
