import type { Config } from '../../config/config.ts';
import type { Severity } from '../../telemetry/health.ts';

/** What the doctor judges by: plain data, as it was found. `null` always means that it could not be found out. */
export interface Facts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Version of the program that looks. */
  readonly version: string;
  readonly configuration: ConfigurationFact;
  /** What is judged: the daemon's, if it says it; else the one that was read; where that is wrong, the defaults. */
  readonly config: Config;
  readonly settings: SettingsFact;
  readonly daemon: DaemonFact;
  readonly unit: UnitFact | null;
  readonly backend: BackendFact;
  /** Which of the commands that we need are there. */
  readonly programs: Readonly<Record<string, boolean>>;
  readonly ipv6: Ipv6Fact;
  readonly endpoints: EndpointsFact;
  readonly certificates: readonly CertificateFact[];
  readonly stateDir: StateDirFact;
  readonly ports: readonly PortFact[] | null;
  readonly network: NetworkFact;
  /** Whether time comes from somewhere; null where systemd does not know. */
  readonly clockSynchronized: boolean | null;
}

export type ConfigurationFact =
  /** `file` is null for all defaults. */
  { readonly kind: 'right'; readonly file: string | null } | { readonly kind: 'wrong'; readonly message: string };

export type SettingsFact =
  /** The daemon's are judged. `differing`: settings that are others in what was read here; null if that is wrong. */
  | { readonly of: 'daemon'; readonly differing: readonly string[] | null }
  /** Those read here are judged; `message` is why a daemon that answers did not tell its own. */
  | { readonly of: 'here'; readonly message: string | null };

/** As the daemon that answers names it: it may be another version, with names that this one does not know. */
export interface ToldCondition {
  readonly name: string;
  readonly severity: Severity;
  readonly message: string;
}

export type DaemonFact =
  | {
      readonly kind: 'answers';
      readonly version: string;
      readonly ready: boolean;
      readonly backend: 'kernel' | 'userspace';
      readonly conditions: readonly ToldCondition[];
      /** `host:port` that machines are told to dial, best first. */
      readonly endpoints: readonly string[];
      /** What `siderolink.api=` advertises. */
      readonly apiUrl: string;
      readonly links: {
        readonly up: number;
        /** Up, while nothing comes through. Null from a daemon that does not count them. */
        readonly hinted: number | null;
      };
      /** Machines for whose place a newcomer waits. Null from a daemon that does not count them. */
      readonly joinWaits: number | null;
    }
  /** The socket is there and may not be opened by who asks. */
  | { readonly kind: 'forbidden'; readonly message: string }
  | { readonly kind: 'silent'; readonly message: string };

/** As `systemctl show` tells it; the fact is null where systemd does not run. */
export interface UnitFact {
  /** `loaded`, `not-found`, `masked`, … */
  readonly load: string;
  /** `active`, `inactive`, `failed`, `activating`, … */
  readonly active: string;
  /** `enabled`, `disabled`, …; empty for a unit that is not there. */
  readonly enabled: string;
}

export interface BackendFact {
  /** The kernel has the module, loaded or to be loaded. */
  readonly kernel: boolean | null;
  readonly wireguardGo: boolean;
  readonly tun: boolean;
}

export interface Ipv6Fact {
  /** The kernel has IPv6 at all. */
  readonly present: boolean;
  /** Scopes of `net.ipv6.conf.*.disable_ipv6` that are 1: `all`, `default`, or the interface. */
  readonly disabled: readonly string[];
}

export interface EndpointsFact {
  /** They stand in the configuration. */
  readonly configured: boolean;
  readonly endpoints: readonly {
    readonly endpoint: string;
    /** Addresses of the host; null if its name has none. */
    readonly addresses: readonly { readonly address: string; readonly isPublic: boolean }[] | null;
  }[];
}

export interface CertificateFact {
  /** The section: `api.tls`, `control.tls`. */
  readonly setting: string;
  readonly severity: 'ok' | 'warning' | 'error';
  readonly message: string;
}

export interface StateDirFact {
  readonly directory: string;
  readonly state: 'there' | 'missing' | 'forbidden' | 'no_directory';
  /** Permission bits; null if they could not be read. */
  readonly mode: number | null;
  /** Files in it that others than the owner may open, by name. */
  readonly exposed: readonly string[];
  readonly freeBytes: number | null;
  /** What the store has taken of its budget. */
  readonly usedBytes: number | null;
}

export interface PortFact {
  /** The setting that names it. */
  readonly setting: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** Somebody has it open. */
  readonly taken: boolean;
}

export interface NetworkFact {
  /** The interface of the overlay is there. */
  readonly interface: { readonly mtu: number | null } | null;
  /** `net.ipv6.conf.all.forwarding`. */
  readonly forwarding: boolean;
  /** IPv4 interfaces that drop what comes by another way than its answer would go (`rp_filter` 1). */
  readonly strictReversePath: readonly string[];
  /** Interfaces with a default route, and their MTU. */
  readonly uplinks: readonly { readonly name: string; readonly mtu: number | null }[];
}
