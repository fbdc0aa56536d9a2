import type { MachineEvent } from './event.ts';

/** What is known of a machine from its events, without when it was seen: last known, never the truth. */
export interface EventStatus {
  /** The boot that stage, readiness, services and sequence are of; 0 before the first event. */
  readonly boot: number;
  readonly stage: string | null;
  readonly ready: boolean | null;
  readonly unmetConditions: readonly { readonly name: string; readonly reason: string }[];
  readonly hostname: string | null;
  readonly addresses: readonly string[];
  readonly services: Readonly<Record<string, ServiceStatus>>;
  readonly sequence: { readonly name: string; readonly action: string } | null;
}

export interface ServiceStatus {
  /** The last action's name, e.g. `RUNNING`. */
  readonly state: string;
  /** Null while Talos has not checked it. */
  readonly healthy: boolean | null;
  readonly message: string;
}

export const NO_STATUS: EventStatus = {
  boot: 0,
  stage: null,
  ready: null,
  unmetConditions: [],
  hostname: null,
  addresses: [],
  services: {},
  sequence: null,
};

/** Bounds of one machine's status: a machine may say anything, and the whole is stored with each of its events. */
const MAX_SERVICES = 128;
const MAX_ADDRESSES = 256;
const MAX_CONDITIONS = 64;
const MAX_ADDRESS = 64;
const MAX_NAME = 128;
const MAX_TEXT = 256;

/**
 * The status after an event of boot `boot`. The first event of a newer boot ends what was known of the former boot's
 * stage, services and sequence; an event of a former boot that comes late changes nothing.
 */
export function foldStatus(
  status: EventStatus,
  event: MachineEvent,
  boot: number,
  keepAddress: (address: string) => boolean,
): EventStatus {
  if (boot < status.boot) return status;
  const base =
    boot === status.boot ? status : { ...NO_STATUS, boot, hostname: status.hostname, addresses: status.addresses };
  switch (event.message) {
    case 'MachineStatusEvent':
      return {
        ...base,
        stage: cut(event.stage, MAX_NAME),
        ready: event.ready,
        unmetConditions: event.unmetConditions
          .slice(0, MAX_CONDITIONS)
          .map(({ name, reason }) => ({ name: cut(name, MAX_NAME), reason: cut(reason, MAX_TEXT) })),
      };
    case 'AddressEvent':
      return {
        ...base,
        hostname: event.hostname === '' ? null : cut(event.hostname, MAX_TEXT),
        addresses: event.addresses
          .slice(0, MAX_ADDRESSES)
          .filter((address) => address.length <= MAX_ADDRESS && keepAddress(address)),
      };
    case 'ServiceStateEvent':
      return { ...base, services: withService(base.services, event) };
    case 'SequenceEvent':
      return { ...base, sequence: { name: cut(event.sequence, MAX_NAME), action: event.action } };
    case 'PhaseEvent':
    case 'TaskEvent':
    case 'RestartEvent':
    case 'ConfigLoadErrorEvent':
    case 'ConfigValidationErrorEvent':
    case 'raw':
      return base;
  }
}

function withService(
  services: EventStatus['services'],
  event: Extract<MachineEvent, { message: 'ServiceStateEvent' }>,
): EventStatus['services'] {
  const name = cut(event.service, MAX_NAME);
  const known = new Map(Object.entries(services));
  if (!known.has(name) && known.size >= MAX_SERVICES) return services;
  const healthy = event.health === null || event.health.unknown ? null : event.health.healthy;
  known.set(name, { state: event.action, healthy, message: cut(event.text, MAX_TEXT) });
  // Object.fromEntries defines own properties, so a service called `__proto__` is only a name.
  return Object.fromEntries(known);
}

function cut(text: string, length: number): string {
  return text.length > length ? text.slice(0, length) : text;
}
