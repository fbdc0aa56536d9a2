import type { MachineEvent } from '../../src/domain/event.ts';

/** Events as a machine sends them, in few words. */

export const sequence = (name: string, action: string, error?: string, code = 'FATAL'): MachineEvent => ({
  message: 'SequenceEvent',
  sequence: name,
  action,
  error: error === undefined ? null : { code, text: error, details: [] },
});

export const phase = (name: string, action: string): MachineEvent => ({ message: 'PhaseEvent', phase: name, action });

export const task = (name: string, action: string): MachineEvent => ({ message: 'TaskEvent', task: name, action });

export const restart = (cmd: bigint): MachineEvent => ({ message: 'RestartEvent', cmd });

export const stage = (name: string, ready = false): MachineEvent => ({
  message: 'MachineStatusEvent',
  stage: name,
  ready,
  unmetConditions: ready ? [] : [{ name: 'services', reason: `${name} not healthy` }],
});

export const address = (hostname: string, ...addresses: string[]): MachineEvent => ({
  message: 'AddressEvent',
  hostname,
  addresses,
});

export const service = (name: string, action: string, healthy?: boolean): MachineEvent => ({
  message: 'ServiceStateEvent',
  service: name,
  action,
  text: `${name} ${action}`,
  health: healthy === undefined ? null : { unknown: false, healthy, lastMessage: '', lastChange: null },
});

export const configError = (error: string): MachineEvent => ({ message: 'ConfigLoadErrorEvent', error });
