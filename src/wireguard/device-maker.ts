import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { InterfaceName } from './interface-name.ts';
import type { LinkView, OverlayLink } from './overlay-link.ts';
import type { Runner } from './runner.ts';
import type { ObservedDevice } from './types.ts';
import type { Wg } from './wg.ts';

export type Backend = 'kernel' | 'userspace';

export interface MadeDevice {
  readonly backend: Backend;
  readonly link: LinkView;
  /** What it answered. */
  readonly observed: ObservedDevice;
  /** Whether it was made now; else it was there and is adopted. */
  readonly made: boolean;
}

/** How long a device may take to answer after it was made: wireguard-go opens its socket after its interface. */
const ANSWER_DEADLINE_MS = 5_000;
const ANSWER_POLL_MS = 25;

/** Makes the device or adopts the one that is there, and removes it. */
export class DeviceMaker {
  readonly #name: InterfaceName;
  readonly #backend: 'auto' | Backend;
  readonly #link: OverlayLink;
  readonly #wg: Wg;
  readonly #runner: Runner;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #toldOfBackend = false;
  /** What `ensure` gave last. */
  #given: LinkView | undefined;

  constructor(
    options: { readonly interface: InterfaceName; readonly backend: 'auto' | Backend },
    deps: {
      readonly link: OverlayLink;
      readonly wg: Wg;
      readonly runner: Runner;
      readonly clock: Clock;
      readonly logger: Logger;
    },
  ) {
    this.#name = options.interface;
    this.#backend = options.backend;
    this.#link = deps.link;
    this.#wg = deps.wg;
    this.#runner = deps.runner;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  /**
   * @throws SiderolinkError `configuration` if the name is another's or the kernel cannot what it is to do, `unavailable` if
   * there is no device now and may be soon, `command_failed`
   */
  async ensure(): Promise<MadeDevice> {
    this.#given = undefined;
    const device = await this.#find();
    this.#given = device.link;
    return device;
  }

  /**
   * Why setting up what `ensure` gave failed: if the interface has gone since, that; what a command says of its absence is
   * easily taken for something wrong with IPv6 or with the port. Else the error itself.
   */
  async reasonFor(error: unknown): Promise<unknown> {
    const given = this.#given;
    if (given === undefined || !(await this.#isGone(given).catch(() => false))) return error;
    return new SiderolinkError('unavailable', `${this.#name} went away while it was set up`, {}, { cause: error });
  }

  async #find(): Promise<MadeDevice> {
    const present = await this.#link.view();
    if (present !== undefined) return { ...(await this.#adopt(present)), made: false };
    await this.#make();
    const link = await this.#link.view();
    if (link === undefined) {
      throw new SiderolinkError('command_failed', `${this.#name} is gone right after it was made`);
    }
    return { ...(await this.#adopt(link)), made: true };
  }

  /** Removes the device if it is there and ours. wireguard-go ends when its interface does. */
  async remove(): Promise<void> {
    const link = await this.#link.view();
    if (link === undefined) return;
    await this.#adopt(link);
    await this.#link.remove();
  }

  async #adopt(link: LinkView): Promise<Omit<MadeDevice, 'made'>> {
    if (link.kind === 'other') throw this.#foreign();
    const observed = await this.#untilItAnswers(link);
    const backend: Backend = link.kind === 'wireguard' ? 'kernel' : 'userspace';
    if (this.#backend !== 'auto' && this.#backend !== backend && !this.#toldOfBackend) {
      this.#toldOfBackend = true;
      this.#logger.warn(
        { interface: this.#name, backend, configured: this.#backend },
        'keeping the device of the other backend, because it carries links; `siderolinkd down` removes it',
      );
    }
    return { backend, link, observed };
  }

  /**
   * A device is there when it answers. A file under /run/wireguard, or a TUN, says nothing: it may be of a wireguard-go
   * that was killed, is about to end, or has not begun to listen.
   */
  async #untilItAnswers(link: LinkView): Promise<ObservedDevice> {
    const deadline = this.#clock.monotonic() + ANSWER_DEADLINE_MS;
    for (;;) {
      try {
        return await this.#wg.dump();
      } catch (error) {
        if (await this.#isGone(link)) {
          throw new SiderolinkError('unavailable', `${this.#name} went away before it answered`, {}, { cause: error });
        }
        if (this.#clock.monotonic() >= deadline) throw link.kind === 'tun' ? this.#foreign(error) : error;
      }
      await this.#clock.sleep(ANSWER_POLL_MS);
    }
  }

  async #isGone({ index }: LinkView): Promise<boolean> {
    return (await this.#link.view())?.index !== index;
  }

  async #make(): Promise<void> {
    const failures: unknown[] = [];
    if (this.#backend !== 'userspace') {
      try {
        await this.#link.createKernel();
        return;
      } catch (error) {
        failures.push(error);
      }
    }
    if (this.#backend !== 'kernel') {
      try {
        await this.#runner.run(['wireguard-go', this.#name], { detached: true, complainsOnStdout: true });
        return;
      } catch (error) {
        failures.push(error);
      }
    }
    // Another may have made it between our look and our try: a unit of its own for wireguard-go, for one.
    if ((await this.#link.view()) !== undefined) return;
    throw new SiderolinkError(
      // That one may be about to: under systemd wireguard-go is never ours to start, and its unit starts it again a second
      // after its end. Who starts us again must not be kept from it.
      this.#backend === 'kernel' ? 'configuration' : 'unavailable',
      `cannot make the WireGuard device ${this.#name}: ${failures.map(errorMessage).join('; ')}. It needs CAP_NET_ADMIN and ` +
        'the wireguard module of the kernel, or wireguard-go and /dev/net/tun.',
      {},
      { cause: failures.at(-1) },
    );
  }

  #foreign(cause?: unknown): SiderolinkError {
    return new SiderolinkError(
      'configuration',
      `overlay.interface: ${this.#name} exists and is no WireGuard device that answers. Remove it or choose another name.`,
      {},
      { cause },
    );
  }
}
