import { SiderolinkError } from '../domain/errors.ts';
import { isSiderolinkAddress, type Overlay } from '../domain/overlay.ts';
import { stderrOf } from './command-failure.ts';
import type { InterfaceName } from './interface-name.ts';
import type { Runner } from './runner.ts';

/** The least MTU that IPv6 allows: what is left of a bad path after WireGuard's own header (facts/users.md C9). */
const OVERLAY_MTU = 1280;

/** As the kernel's own routes of an interface's prefix. */
const ROUTE_METRIC = 256;
/** The worst there is: it answers only while the interface is away. */
const UNREACHABLE_METRIC = 4_294_967_295;

const NO_IPV6 = 'this kernel was started without it (take ipv6.disable=1 from its command line, and reboot)';

/** What kind of interface has our name: kernel WireGuard, a TUN (wireguard-go's), or something of others. */
export type LinkKind = 'wireguard' | 'tun' | 'other';

export interface LinkView {
  /** The system gives no number twice: another one is another interface. */
  readonly index: number;
  readonly kind: LinkKind;
  readonly mtu: number;
  readonly up: boolean;
}

/** A part that was not as it should be and was repaired. */
export type LinkRepair = 'mtu' | 'up' | 'address' | 'route' | 'unreachable';

interface IpLink {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly ifindex: number;
  readonly linkinfo?: { readonly info_kind?: string };
}
interface IpAddress {
  readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number }[];
}
interface IpRoute {
  readonly type?: string;
  readonly dev?: string;
  readonly metric?: number;
}

/**
 * The interface, its address and the overlay's routes, by `ip`. The server's address is a /128 and the /64 a route of our
 * own: so each can be seen and repaired by itself, where the kernel's prefix route would come and go with the address.
 */
export class OverlayLink {
  readonly #name: InterfaceName;
  readonly #overlay: Overlay;
  readonly #runner: Runner;

  constructor(
    options: { readonly interface: InterfaceName; readonly overlay: Overlay },
    deps: { readonly runner: Runner },
  ) {
    this.#name = options.interface;
    this.#overlay = options.overlay;
    this.#runner = deps.runner;
  }

  /** The interface of our name; `undefined` if there is none. */
  async view(): Promise<LinkView | undefined> {
    let links: readonly IpLink[];
    try {
      links = await this.#json<IpLink>('ip', '-j', '-d', 'link', 'show', 'dev', this.#name);
    } catch (error) {
      if (stderrOf(error).includes('does not exist')) return undefined;
      throw error;
    }
    const link = links.find((each) => each.ifname === this.#name);
    if (link === undefined) return undefined;
    const kind = link.linkinfo?.info_kind;
    return {
      index: link.ifindex,
      kind: kind === 'wireguard' || kind === 'tun' ? kind : 'other',
      mtu: link.mtu,
      up: link.flags.includes('UP'),
    };
  }

  /**
   * The number of the interface of our name; `undefined` if there is none, or none with IPv6. From a file, because each
   * join asks: a command would cost more than the rest of it.
   */
  async index(): Promise<number | undefined> {
    const text = await this.#runner.run(['cat', `/proc/self/net/dev_snmp6/${this.#name}`]).catch(() => '');
    const digits = /^ifIndex\s+(\d+)$/m.exec(text)?.[1];
    return digits === undefined ? undefined : Number(digits);
  }

  async createKernel(): Promise<void> {
    await this.#runner.run(['ip', 'link', 'add', 'dev', this.#name, 'type', 'wireguard']);
  }

  /** Makes MTU and state right. @throws SiderolinkError `command_failed` */
  async repairLink(link: LinkView): Promise<readonly LinkRepair[]> {
    const repairs: LinkRepair[] = [];
    if (link.mtu !== OVERLAY_MTU) {
      await this.#runner.run(['ip', 'link', 'set', 'dev', this.#name, 'mtu', String(OVERLAY_MTU)]);
      repairs.push('mtu');
    }
    if (!link.up) {
      await this.#runner.run(['ip', 'link', 'set', 'dev', this.#name, 'up']);
      repairs.push('up');
    }
    return repairs;
  }

  /** Makes the address and both routes right. @throws SiderolinkError `configuration` where IPv6 is off */
  async repairAddressing(): Promise<readonly LinkRepair[]> {
    const repairs: LinkRepair[] = [];
    if (!(await this.#hasAddress())) {
      await this.#refuseDisabledIpv6();
      // nodad: nobody else is on a point-to-point link, and a tentative address would refuse our listeners for a second.
      await this.#runner.run(['ip', '-6', 'addr', 'replace', this.#cidr, 'dev', this.#name, 'nodad']);
      repairs.push('address');
    }
    const routes = await this.#routes();
    if (!routes.some((route) => route.type === undefined && route.dev === this.#name)) {
      await this.#route('replace', [this.#overlay.prefix, 'dev', this.#name, 'metric', String(ROUTE_METRIC)]);
      repairs.push('route');
    }
    return [...repairs, ...(await this.#repairUnreachable(routes))];
  }

  /** Makes the route right that keeps overlay packets in this host while the interface is away. */
  async repairUnreachable(): Promise<readonly LinkRepair[]> {
    return this.#repairUnreachable(await this.#routes());
  }

  async #repairUnreachable(routes: readonly IpRoute[]): Promise<readonly LinkRepair[]> {
    if (routes.some((route) => route.type === 'unreachable')) return [];
    try {
      await this.#route('replace', this.#unreachable);
    } catch (error) {
      // The first of all that needs IPv6; the kernel says "Operation not supported", which helps nobody.
      if (await this.#lacksIpv6()) throw this.#withoutIpv6(NO_IPV6, error);
      throw error;
    }
    return ['unreachable'];
  }

  /** Removes the interface, which takes its address and route with it. */
  async remove(): Promise<void> {
    await this.#runner.run(['ip', 'link', 'del', 'dev', this.#name]);
  }

  async removeUnreachable(): Promise<void> {
    const routes = await this.#routes();
    if (routes.some((route) => route.type === 'unreachable')) await this.#route('del', this.#unreachable);
  }

  get #cidr(): string {
    return `${this.#overlay.server}/128`;
  }

  get #unreachable(): readonly string[] {
    return ['unreachable', this.#overlay.prefix, 'metric', String(UNREACHABLE_METRIC)];
  }

  /** Another installation's address on the interface, which must be there; `undefined` if there is none. */
  async foreignServer(): Promise<string | undefined> {
    const addresses = await this.#addresses();
    return addresses.find(({ local }) => isSiderolinkAddress(local) && local !== this.#overlay.server)?.local;
  }

  async #hasAddress(): Promise<boolean> {
    const addresses = await this.#addresses();
    return addresses.some(({ local, prefixlen }) => local === this.#overlay.server && prefixlen === 128);
  }

  async #addresses() {
    const views = await this.#json<IpAddress>('ip', '-j', '-6', 'addr', 'show', 'dev', this.#name);
    return views.flatMap((view) => view.addr_info ?? []);
  }

  #routes(): Promise<readonly IpRoute[]> {
    return this.#json<IpRoute>('ip', '-j', '-6', 'route', 'show', 'exact', this.#overlay.prefix);
  }

  async #route(verb: string, route: readonly string[]): Promise<void> {
    await this.#runner.run(['ip', '-6', 'route', verb, ...route]);
  }

  async #refuseDisabledIpv6(): Promise<void> {
    const path = `/proc/sys/net/ipv6/conf/${this.#name}/disable_ipv6`;
    const value = await this.#runner.run(['cat', path]).catch(() => 'missing');
    if (value.trim() === '0') return;
    const fix = `net.ipv6.conf.${this.#name}.disable_ipv6 is 1 (set it and net.ipv6.conf.default.disable_ipv6 to 0)`;
    throw this.#withoutIpv6(value === 'missing' ? NO_IPV6 : fix);
  }

  /** A kernel that has none shows no settings of it. */
  async #lacksIpv6(): Promise<boolean> {
    return await this.#runner.run(['cat', '/proc/sys/net/ipv6/conf/all/disable_ipv6']).then(
      () => false,
      () => true,
    );
  }

  #withoutIpv6(fix: string, cause?: unknown): SiderolinkError {
    const message = `IPv6 is disabled on ${this.#name}: ${fix}. The overlay needs it, though no IPv6 internet.`;
    return new SiderolinkError('configuration', message, {}, cause === undefined ? {} : { cause });
  }

  async #json<T>(...argv: readonly [string, ...string[]]): Promise<readonly T[]> {
    const text = await this.#runner.run(argv);
    if (text.trim() === '') return [];
    try {
      return JSON.parse(text) as readonly T[];
    } catch (error) {
      throw new SiderolinkError('command_failed', `${argv.join(' ')}: not JSON`, {}, { cause: error });
    }
  }
}
