import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { PrivateKey } from '../../src/domain/keys.ts';
import { newAddress, overlayOf } from '../../src/domain/overlay.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { WireGuardDevice, type WireGuardDeviceOptions } from '../../src/wireguard/device.ts';
import type { Backend } from '../../src/wireguard/device-maker.ts';
import { wireguardMetrics } from '../../src/wireguard/metrics.ts';
import type { Runner } from '../../src/wireguard/runner.ts';
import type { PeerSpec } from '../../src/wireguard/types.ts';

type PutFile = (path: string, text: string) => void;

export interface WorldOptions {
  /** Default `auto`. */
  readonly backend?: 'auto' | Backend;
  /** Makes a file of mode 0600 where the runner's commands find it. Default: on this host. */
  readonly putFile?: PutFile;
}

/** A gateway host, real or modelled, for one test. */
export class World {
  readonly runner: Runner;
  readonly interface: string;
  readonly backend: 'auto' | Backend;
  readonly directory = mkdtempSync(join(tmpdir(), 'siderolink-wg-'));
  readonly key = PrivateKey.generate();
  readonly overlay = overlayOf(this.key.publicKey);
  readonly listenPort: number;
  readonly log: string[] = [];
  readonly health = new Health(Date.now);
  readonly registry = createRegistry();
  readonly metrics = wireguardMetrics(this.registry);
  /** Every command that a device of this world ran. */
  readonly commands: string[] = [];

  readonly #putFile: PutFile;

  constructor(runner: Runner, interfaceName: string, listenPort: number, options: WorldOptions = {}) {
    this.runner = runner;
    this.interface = interfaceName;
    this.listenPort = listenPort;
    this.backend = options.backend ?? 'auto';
    this.#putFile = options.putFile ?? ((path, text) => writeFileSync(path, text, { mode: 0o600 }));
    this.writeKey(this.key);
  }

  get keyFile(): string {
    return join(this.directory, 'private-key');
  }

  writeKey(key: PrivateKey): void {
    this.#putFile(this.keyFile, `${key.reveal()}\n`);
  }

  /** A new process's device over the same system. `runner`: instead of the system's own. */
  device(options: Partial<WireGuardDeviceOptions> = {}, runner: Runner = this.runner): WireGuardDevice {
    const recording: Runner = {
      run: (argv, runOptions) => {
        this.commands.push(argv.join(' '));
        return runner.run(argv, runOptions);
      },
    };
    return new WireGuardDevice(
      {
        interface: this.interface,
        backend: this.backend,
        publicKey: this.key.publicKey,
        privateKeyFile: this.keyFile,
        listenPort: this.listenPort,
        overlay: this.overlay,
        firewall: true,
        allowGroup: '',
        kmsgPort: 4001,
        eventsPort: 4002,
        batchWindowMs: 5,
        ...options,
      },
      {
        runner: recording,
        clock: systemClock,
        logger: createLogger(
          'debug',
          new Writable({ write: (chunk, _, done) => done(void this.log.push(String(chunk))) }),
        ),
        health: this.health,
        metrics: this.metrics,
      },
    );
  }

  peer(): PeerSpec {
    return { publicKey: PrivateKey.generate().publicKey, address: newAddress(this.overlay, () => false) };
  }

  async repairs(what: string): Promise<number> {
    const { values } = await this.metrics.repairs.get();
    return values.find((value) => value.labels['what'] === what)?.value ?? 0;
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Commands that change the system; the others only read. */
export function isMutation(command: string): boolean {
  return !/^(ip (-\S+ )*\S+ show|wg show|nft -s list|getent|cat) /.test(`${command} `);
}
