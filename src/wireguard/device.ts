import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { Overlay } from '../domain/overlay.ts';
import { patchPeers } from '../domain/peer-plan.ts';
import type { Clock } from '../lib/clock.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import { ChangeBatcher } from './batcher.ts';
import { type Backend, DeviceMaker } from './device-maker.ts';
import { DevicePeers } from './device-peers.ts';
import { parseInterfaceName } from './interface-name.ts';
import type { WireGuardMetrics } from './metrics.ts';
import { IsolationTable } from './nftables.ts';
import { OverlayLink } from './overlay-link.ts';
import type { Runner } from './runner.ts';
import type { ObservedDevice, PeerChange, PeerSpec, Repair, WireGuard } from './types.ts';
import { Wg } from './wg.ts';

export interface WireGuardDeviceOptions {
  /** At most 15 characters. */
  readonly interface: string;
  readonly backend: 'auto' | Backend;
  /** The key that the device must show; that of `privateKeyFile`. */
  readonly publicKey: PublicKey;
  /** A file of mode 0600 that `wg` reads: 32 bytes in base64. */
  readonly privateKeyFile: string;
  /** UDP; 0 leaves the choice to the system. */
  readonly listenPort: number;
  readonly overlay: Overlay;
  /** Whether the isolation table is kept. */
  readonly firewall: boolean;
  /** Local users that may reach machines; empty for none. */
  readonly allowGroup: string;
  readonly kmsgPort: number;
  readonly eventsPort: number;
  /** Our user; default: that of this process. */
  readonly uid?: number;
  /** How long the first change of a batch waits for others. Default 50 ms. */
  readonly batchWindowMs?: number;
  /** Default 10 s. */
  readonly applyDeadlineMs?: number;
  /** Changes waiting at most; further ones are refused as `exhausted`. Default 20,000. */
  readonly maxPendingChanges?: number;
  /** Peers named in one `wg set` (facts/users.md B5). Default 500. */
  readonly peersPerCall?: number;
  /** So long it is remembered that a repair made a peer anew. Default 10 min. */
  readonly rememberRepairMs?: number;
  /**
   * So long after a reading that showed our key, changes that `wg` did without an error in the same interface count as
   * done; older than that, they are read back. Default 15 s: the link monitor reads every 5 s.
   */
  readonly freshMs?: number;
  /** Peers that are changed without having been read back; one more, and the device is read. Default 20,000. */
  readonly maxUnreadPeers?: number;
  /** How long a batch gathers at most once changes come in numbers. Default 250 ms. */
  readonly busyWindowMs?: number;
}

export interface WireGuardDeviceDeps {
  readonly runner: Runner;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: WireGuardMetrics;
}

/** Name of the health condition that tells whether device and firewall are as they should be. */
const CONDITION = 'wireguard';

/**
 * The WireGuard device, its address, routes and firewall, driven by `wg`, `ip` and `nft`. All work on it is done one
 * piece after the other; each piece reads, compares, repairs, and reads again.
 */
export class WireGuardDevice implements WireGuard {
  readonly publicKey: PublicKey;
  readonly #options: WireGuardDeviceOptions;
  readonly #link: OverlayLink;
  readonly #wg: Wg;
  readonly #maker: DeviceMaker;
  readonly #table: IsolationTable;
  readonly #batcher: ChangeBatcher;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #health: Health;
  readonly #metrics: WireGuardMetrics;
  readonly #peers: DevicePeers;
  #backend: Backend;
  #queue: Promise<unknown> = Promise.resolve();
  #stopped = false;
  /** Whether the device that is there has its peers, as far as we know: not while it lacks some and they could not be set. */
  #isWhole = true;
  /** What a start put right so far: told when it is known whether there was anything before. */
  #untold: string[] | undefined;
  /** A device that somebody made and nobody has set up yet, as the unit for wireguard-go leaves it. */
  #isBlank = false;

  /** @throws SiderolinkError `configuration` for a name that is none */
  constructor(options: WireGuardDeviceOptions, deps: WireGuardDeviceDeps) {
    const name = parseInterfaceName(options.interface);
    const { runner, clock, logger, health } = deps;
    this.publicKey = options.publicKey;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#health = health;
    this.#metrics = deps.metrics;
    this.#backend = options.backend === 'userspace' ? 'userspace' : 'kernel';
    this.#link = new OverlayLink({ interface: name, overlay: options.overlay }, { runner });
    this.#wg = new Wg({ interface: name }, { runner });
    this.#peers = new DevicePeers(
      {
        publicKey: options.publicKey,
        peersPerCall: options.peersPerCall ?? 500,
        rememberMs: options.rememberRepairMs ?? 600_000,
        freshMs: options.freshMs ?? 15_000,
        maxUnread: options.maxUnreadPeers ?? 20_000,
      },
      { wg: this.#wg, index: () => this.#link.index(), clock, logger, metrics: deps.metrics },
    );
    this.#maker = new DeviceMaker(
      { interface: name, backend: options.backend },
      { link: this.#link, wg: this.#wg, runner, clock, logger },
    );
    this.#table = new IsolationTable(
      {
        interface: name,
        overlay: options.overlay,
        kmsgPort: options.kmsgPort,
        eventsPort: options.eventsPort,
        allowGroup: options.allowGroup,
        uid: options.uid ?? process.getuid?.() ?? 0,
      },
      { runner, health },
    );
    this.#batcher = new ChangeBatcher(
      {
        windowMs: options.batchWindowMs ?? 50,
        busyWindowMs: options.busyWindowMs ?? 250,
        fullAt: options.peersPerCall ?? 500,
        deadlineMs: options.applyDeadlineMs ?? 10_000,
        maxPending: options.maxPendingChanges ?? 20_000,
      },
      { clock, run: (changes) => this.#alone(() => this.#peers.apply(changes)) },
    );
  }

  /** What the device runs on; before `start` what would be tried first. */
  get backend(): Backend {
    return this.#backend;
  }

  async start(): Promise<void> {
    await this.#alone(async () => {
      const before = await this.#link.view();
      if (before !== undefined) await this.#refuseForeign();
      this.#untold = [];
      try {
        await this.#repairDevice();
        this.#tell(before === undefined || this.#isBlank ? 'made' : 'repaired');
      } catch (error) {
        this.#tell('repaired');
        const reason = await this.#maker.reasonFor(error);
        // Nothing of a failed start is left, except a device that was there before: it may carry links.
        if (before === undefined) await this.#takeDown().catch((cause: unknown) => this.#warnLeftover(cause));
        throw reason;
      }
      // What it should have is not known yet.
      this.#isWhole = true;
    });
    this.#health.set(CONDITION, 'ok');
  }

  async reconcile(desired: readonly PeerSpec[]): Promise<Repair> {
    // What is asked for between this call and our turn is newer than `desired`.
    const recorder = this.#batcher.record();
    try {
      const repair = await this.#alone(async () => {
        this.#refuseStopped();
        this.#peers.doubt();
        const shown = await this.#repairDevice();
        const wanted = patchPeers(desired, recorder.changes());
        return this.#peers.repair(wanted, shown, (isWhole) => {
          this.#isWhole = isWhole;
        });
      });
      this.#health.set(CONDITION, 'ok');
      return repair;
    } catch (error) {
      this.#metrics.commandFailures.inc({ kind: 'reconcile' });
      this.#health.set(CONDITION, 'error', errorMessage(error));
      throw error;
    } finally {
      recorder.stop();
    }
  }

  async apply(change: PeerChange): Promise<void> {
    try {
      await this.#batcher.submit(change);
      this.#metrics.changes.inc({ result: 'done' });
    } catch (error) {
      this.#metrics.changes.inc({ result: 'failed' });
      throw error;
    }
  }

  async observe(): Promise<ObservedDevice> {
    const started = this.#clock.monotonic();
    try {
      // In its turn: a device that is being made again shows no peers for a moment, and who believed that would take a
      // machine that lives for one that is gone.
      const observed = await this.#alone(async () => this.#believed(await this.#wg.dump()));
      this.#metrics.peers.set(observed.peers.size);
      this.#metrics.observeSeconds.observe((this.#clock.monotonic() - started) / 1000);
      return observed;
    } catch (error) {
      this.#peers.doubt();
      this.#metrics.commandFailures.inc({ kind: 'observe' });
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#batcher.stop();
    await this.#queue;
  }

  async down(): Promise<void> {
    await this.stop();
    await this.#alone(() => this.#takeDown());
  }

  /**
   * A device that another one has made anew, systemd for one, shows no peer until it is repaired: who is missing in it is
   * not gone. @throws SiderolinkError `command_failed`, `unavailable` until its repair
   */
  #believed(observed: ObservedDevice): ObservedDevice {
    this.#peers.believe(observed);
    const { madeAnew } = this.#peers;
    if (this.#isWhole) return madeAnew.size === 0 ? observed : { ...observed, madeAnew };
    throw new SiderolinkError('unavailable', 'the WireGuard device lacks peers that it should have');
  }

  /** One piece of work after the other; a failed one does not hold up the next. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** Its key and peers are not ours to repair: another daemon may be serving machines with them. */
  async #refuseForeign(): Promise<void> {
    const server = await this.#link.foreignServer();
    if (server === undefined) return;
    const name = this.#options.interface;
    throw new SiderolinkError(
      'conflict',
      `overlay.interface: ${name} has the address ${server} of another installation. Choose another name, or, if no ` +
        'daemon uses it any more, remove it: `siderolinkd down`',
    );
  }

  /**
   * All but the peers; gives what the device shows then, and the interface's number of before. The table comes first: the
   * interface is never there without it.
   */
  async #repairDevice(): Promise<{ readonly observed: ObservedDevice; readonly index: number }> {
    if (this.#options.firewall && (await this.#table.repair())) this.#repaired('firewall');
    for (const what of await this.#link.repairUnreachable()) this.#repaired(what);
    const { backend, link, made, observed } = await this.#maker.ensure();
    this.#backend = backend;
    if (made) this.#repaired('device');
    this.#isBlank = observed.publicKey === null;
    if (made || observed.publicKey !== this.publicKey) this.#isWhole = false;
    const newKey = await this.#repairKey(observed);
    for (const what of await this.#link.repairLink(link)) this.#repaired(what);
    const newPort = await this.#repairPort(observed);
    for (const what of await this.#link.repairAddressing()) this.#repaired(what);
    const { index } = link;
    if (!newKey && !newPort) return { observed, index };
    const after = await this.#wg.dump();
    this.#peers.verifyKey(after);
    return { observed: after, index };
  }

  async #repairKey(observed: ObservedDevice): Promise<boolean> {
    if (observed.publicKey === this.publicKey) return false;
    await this.#wg.setPrivateKey(this.#options.privateKeyFile);
    this.#repaired('key');
    return true;
  }

  /** Only once the interface is up does a port that is taken show itself as an error. */
  async #repairPort(observed: ObservedDevice): Promise<boolean> {
    const { listenPort } = this.#options;
    if (listenPort === 0 || observed.listenPort === listenPort) return false;
    try {
      await this.#wg.setListenPort(listenPort);
    } catch (error) {
      // The device may show the port that it could not have: then the next start would believe it.
      await this.#wg.setListenPort(0).catch(() => undefined);
      throw new SiderolinkError(
        'configuration',
        `wireguard.listen_port: UDP port ${listenPort} cannot be had: ${errorMessage(error)}`,
        {},
        { cause: error },
      );
    }
    this.#repaired('port');
    return true;
  }

  async #takeDown(): Promise<void> {
    await this.#maker.remove();
    await this.#link.removeUnreachable();
    await this.#table.remove();
  }

  #refuseStopped(): void {
    if (this.#stopped) throw new SiderolinkError('unavailable', 'the WireGuard device is being let go');
  }

  #repaired(what: string): void {
    this.#metrics.repairs.inc({ what });
    if (this.#untold !== undefined) this.#untold.push(what);
    else this.#log(what, 'repaired');
  }

  #tell(word: 'made' | 'repaired'): void {
    for (const what of this.#untold ?? []) this.#log(what, word);
    this.#untold = undefined;
  }

  #log(what: string, word: 'made' | 'repaired'): void {
    this.#logger.info({ interface: this.#options.interface, what }, `${word} the overlay`);
  }

  #warnLeftover(cause: unknown): void {
    this.#logger.warn({ error: errorMessage(cause) }, 'could not take back all of a start that failed');
  }
}
