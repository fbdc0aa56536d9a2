import { SiderolinkError } from '../domain/errors.ts';
import type { Overlay } from '../domain/overlay.ts';
import type { TunnelSetting } from '../domain/tunnel.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog } from '../stream/types.ts';
import type { LinkMonitor, WireGuard } from '../wireguard/types.ts';
import { FleetAdmin } from './admin.ts';
import { JoinWaits } from './join-waits.ts';
import { JoinLedger } from './joins.ts';
import type { FleetMetrics } from './metrics.ts';
import { Refusals } from './refusals.ts';
import type { RemovalsOptions } from './removals.ts';
import { Roster } from './roster.ts';
import { TokenWrites } from './token-writes.ts';
import { TokenRegistry } from './tokens.ts';
import { TunnelSources } from './tunnel-sources.ts';
import type { Boots, Statuses } from './types.ts';

export interface FleetOptions extends RemovalsOptions {
  readonly overlay: Overlay;
  /** `join.tunnel`. Default `auto`. */
  readonly tunnel?: TunnelSetting;
  /** Key of the HMAC under which unique tokens are kept; a secret of the state directory, 32 bytes. */
  readonly uniqueTokenKey: Uint8Array;
  /** Default 10,000. */
  readonly maxTokens?: number;
  /** Machines that are known and never joined. Default 20,000. */
  readonly maxKnown?: number;
}

export interface FleetDeps {
  readonly log: Pick<RecordLog, 'image' | 'commit' | 'flush'>;
  readonly boots: Boots;
  readonly statuses: Statuses;
  readonly links: Pick<LinkMonitor, 'state'>;
  readonly wireguard: Pick<WireGuard, 'apply'>;
  readonly clock: Clock;
  readonly metrics: FleetMetrics;
}

/** The machines and join tokens: what the registry holds, in memory, and the only ways to change it. */
export class Fleet {
  readonly machines: Roster;
  readonly tokens: TokenRegistry;
  readonly joins: JoinLedger;
  readonly admin: FleetAdmin;
  readonly tokenWrites = new TokenWrites();
  readonly tunnelSources = new TunnelSources();
  readonly refusals = new Refusals();
  readonly waits: JoinWaits;

  /** Reads the registry's image. @throws SiderolinkError `storage` if a row cannot be read */
  constructor(options: FleetOptions, deps: FleetDeps) {
    const { maxTokens, ...identity } = options;
    this.waits = new JoinWaits(deps);
    try {
      const { tokenWrites, tunnelSources, refusals, waits } = this;
      this.machines = new Roster({ ...deps, tokenWrites, tunnelSources, refusals, waits });
      this.tokens = new TokenRegistry(maxTokens === undefined ? {} : { maxTokens }, deps);
    } catch (cause) {
      throw new SiderolinkError('storage', 'the registry has a row that cannot be read', {}, { cause });
    }
    this.joins = new JoinLedger(identity, { ...deps, roster: this.machines, tokens: this.tokens });
    this.admin = new FleetAdmin(identity, { ...deps, roster: this.machines });
  }
}
