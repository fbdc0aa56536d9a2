import { SiderolinkError } from '../domain/errors.ts';
import type { Overlay } from '../domain/overlay.ts';
import type { Ownership } from '../domain/record.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog } from '../stream/types.ts';
import type { LinkMonitor, WireGuard } from '../wireguard/types.ts';
import type { FleetMetrics } from './metrics.ts';
import type { Roster } from './roster.ts';
import type { TokenRegistry } from './tokens.ts';
import type { Boots, Machine, MachineAdmin, Registration, SeenVersion, Statuses } from './types.ts';

export interface FleetAdminOptions {
  readonly overlay: Overlay;
  /** Key of the HMAC under which unique tokens are kept; a secret of the state directory, 32 bytes. */
  readonly uniqueTokenKey: Uint8Array;
  /** Machines that are known and never joined; more are refused. Default 20,000. */
  readonly maxKnown?: number;
}

export interface FleetAdminDeps {
  readonly log: Pick<RecordLog, 'commit'>;
  readonly boots: Boots;
  readonly statuses: Statuses;
  readonly links: Pick<LinkMonitor, 'state'>;
  readonly wireguard: Pick<WireGuard, 'apply'>;
  readonly clock: Clock;
  readonly metrics: FleetMetrics;
  readonly roster: Roster;
  readonly tokens: TokenRegistry;
}

/** What a control plane does to machines. */
export class FleetAdmin implements MachineAdmin {
  readonly #options: FleetAdminOptions;
  readonly #deps: FleetAdminDeps;

  constructor(options: FleetAdminOptions, deps: FleetAdminDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  register(_uuid: NodeUuid, _wanted: Registration, _by: string, _seen?: SeenVersion): Promise<never> {
    return this.#notYet();
  }

  accept(_uuid: NodeUuid, _by: string, _seen?: SeenVersion): Promise<Machine> {
    return this.#notYet();
  }

  reject(_uuid: NodeUuid, _by: string, _seen?: SeenVersion): Promise<Machine> {
    return this.#notYet();
  }

  claim(_uuid: NodeUuid, _ownership: Ownership, _by: string, _seen?: SeenVersion): Promise<Machine> {
    return this.#notYet();
  }

  release(_uuid: NodeUuid, _by: string, _seen?: SeenVersion): Promise<Machine> {
    return this.#notYet();
  }

  label(
    _uuid: NodeUuid,
    _change: { readonly set: Readonly<Record<string, string>>; readonly unset: readonly string[] },
    _by: string,
    _seen?: SeenVersion,
  ): Promise<Machine> {
    return this.#notYet();
  }

  resetToken(_uuid: NodeUuid, _by: string, _seen?: SeenVersion): Promise<Machine> {
    return this.#notYet();
  }

  remove(_uuid: NodeUuid, _options: { readonly records: boolean }, _by: string, _seen?: SeenVersion): Promise<Machine> {
    return this.#notYet();
  }

  readmit(_uuid: NodeUuid, _by: string, _seen?: SeenVersion): Promise<Machine> {
    return this.#notYet();
  }

  #notYet(): Promise<never> {
    void this.#options;
    void this.#deps;
    return Promise.reject(new SiderolinkError('unavailable', 'not there yet'));
  }
}
