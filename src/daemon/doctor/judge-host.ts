import { type Check, ok, warning, wrong } from './check.ts';
import type { Facts } from './facts.ts';

/** Checks of the host that the daemon runs on. */

const MIB = 1024 * 1024;

/** Less free than this, and the next commits fail. */
const MIN_FREE_BYTES = 256 * MIB;

/** MTU of the overlay: the least that IPv6 allows. */
const OVERLAY_MTU = 1_280;
/** What WireGuard over IPv6 adds to a packet: IPv6, UDP, and its own header and tag. */
const WIREGUARD_OVERHEAD = 40 + 8 + 32;

/** This program was not there before: a clock that says so is wrong. */
const NOT_BEFORE = Date.parse('2026-01-01T00:00:00Z');

export function judgeBackend({ config, backend, daemon }: Facts): Check {
  const name = 'backend';
  const wanted = config.overlay.backend;
  const userspace = backend.wireguardGo && backend.tun;
  const missing = backend.wireguardGo ? '/dev/net/tun is not there' : 'wireguard-go is not installed';
  const kernelRemedy = 'modprobe wireguard; a kernel from 5.6 on has it, also in linux-modules-extra';
  if (daemon.kind === 'answers') {
    if (daemon.backend === 'kernel') return ok(name, "the kernel's WireGuard is in use");
    if (backend.kernel !== true || wanted === 'userspace') return ok(name, 'wireguard-go is in use');
    return warning(
      name,
      "wireguard-go is in use, although the kernel's WireGuard is there and takes a fraction of its work",
      'siderolinkd down, and start the daemon again: links come back with the next packets',
    );
  }
  if (wanted !== 'userspace' && backend.kernel === true) return ok(name, "the kernel's WireGuard is there");
  if (wanted === 'kernel') {
    return wrong(
      name,
      "overlay.backend is kernel, and the kernel's WireGuard is not there",
      `${kernelRemedy}; or backend: auto`,
    );
  }
  if (userspace) return ok(name, 'wireguard-go is there');
  const kernel = wanted === 'userspace' ? '' : "the kernel's WireGuard is not there, and ";
  const remedy = backend.wireguardGo ? 'give it /dev/net/tun (modprobe tun)' : 'apt install wireguard-go';
  return wrong(name, `${kernel}${missing}`, wanted === 'userspace' ? remedy : `${kernelRemedy}; or ${remedy}`);
}

/** The Debian package of each command. */
const PACKAGES: Readonly<Record<string, string>> = { wg: 'wireguard-tools', ip: 'iproute2', nft: 'nftables' };

export function judgePrograms({ programs, config }: Facts): Check {
  const name = 'programs';
  const needed = Object.keys(PACKAGES).filter((program) => program !== 'nft' || config.overlay.firewall);
  const missing = needed.filter((program) => programs[program] !== true);
  if (missing.length === 0) return ok(name, `${needed.join(', ')} are there`);
  const packages = missing.map((program) => PACKAGES[program] ?? program).join(' ');
  return wrong(name, `not installed: ${missing.join(', ')}`, `apt install ${packages}`);
}

/**
 * The overlay is IPv6, inside the tunnel: the host needs no IPv6 internet, but IPv6 itself (facts/users.md C11), and that on
 * the overlay's interface alone. A new interface has what `default` says; `all` is but the last order to all that there were.
 */
export function judgeIpv6({ ipv6, network, config }: Facts): Check {
  const name = 'ipv6';
  const why = 'the overlay is IPv6 (inside the tunnel: no IPv6 internet is needed)';
  if (!ipv6.present) {
    return wrong(
      name,
      `the kernel has no IPv6, and ${why}`,
      'take ipv6.disable=1 from the kernel command line, and reboot',
    );
  }
  const device = config.overlay.interface;
  const scopes = ipv6.disabled.filter((scope) => scope === 'default' || scope === device);
  if (scopes.length === 0) {
    return ok(
      name,
      ipv6.disabled.length === 0 ? 'it is there, as the overlay needs' : 'it is disabled, but not for the overlay',
    );
  }
  const settings = scopes.map((scope) => `net.ipv6.conf.${scope}.disable_ipv6`);
  const found = `${settings.join(', ')} ${settings.length === 1 ? 'is' : 'are'} 1`;
  const remedy = `${settings.map((setting) => `sysctl -w ${setting}=0`).join('; ')}; and default in /etc/sysctl.d, so that it stays`;
  if (network.interface !== null && !scopes.includes(device)) {
    return warning(
      name,
      `${found}: an overlay interface that had to be made anew would not work, since ${why}`,
      remedy,
    );
  }
  return wrong(name, `${found}, and ${why}`, remedy);
}

export function judgeStateDir({ stateDir, config, daemon }: Facts): readonly Check[] {
  const name = 'state directory';
  const { directory, state, mode, exposed, freeBytes, usedBytes } = stateDir;
  if (state === 'missing') {
    if (daemon.kind === 'answers')
      return [
        warning(name, `${directory} is not there, and a daemon answers`, 'is this its configuration? (--config)'),
      ];
    return [ok(name, `${directory} is made at the first start`)];
  }
  if (state === 'no_directory') {
    return [wrong(name, `${directory} is a file, or lies below one`, 'move it away, or set state_dir to a directory')];
  }
  if (state === 'forbidden') return [warning(name, `${directory} may not be looked into`, 'run this as root')];
  const checks: Check[] = [];
  const open = mode !== null && (mode & 0o077) !== 0;
  if (exposed.length > 0 && open) {
    const files = exposed.join(', ');
    checks.push(wrong(name, `others may open the secrets in ${directory}: ${files}`, `chmod -R go= ${directory}`));
  } else if (open) {
    const octal = mode.toString(8).padStart(4, '0');
    checks.push(warning(name, `${directory} has mode ${octal}: others may look into it`, `chmod 0700 ${directory}`));
  } else {
    checks.push(ok(name, `${directory} is its owner's alone`));
  }
  if (freeBytes !== null) checks.push(judgeSpace(directory, freeBytes, usedBytes ?? 0, config.store));
  return checks;
}

function judgeSpace(
  directory: string,
  free: number,
  used: number,
  budget: { readonly max_bytes: number; readonly events_max_bytes: number },
): Check {
  const name = 'space';
  const left = Math.max(0, budget.max_bytes + budget.events_max_bytes - used);
  const text = `${gib(free)} free for ${directory}`;
  if (free < MIN_FREE_BYTES) return wrong(name, text, 'free some, or move state_dir to a larger file system');
  if (free < left) {
    const remedy = 'lower store.max_bytes, or give it more: a full disk stops logs first';
    return warning(name, `${text}, and the store may grow by ${gib(left)} more`, remedy);
  }
  return ok(name, text);
}

function gib(bytes: number): string {
  return bytes < 1024 * MIB ? `${Math.round(bytes / MIB)} MiB` : `${(bytes / 1024 / MIB).toFixed(1)} GiB`;
}

export function judgeNetwork({ network, config }: Facts): readonly Check[] {
  const checks: Check[] = [];
  if (network.forwarding && !config.overlay.firewall) {
    checks.push(
      warning(
        'forwarding',
        'this host forwards IPv6 and overlay.firewall is off: machines may reach each other and networks behind this host',
        'overlay.firewall: true, or rules of your own for the interface',
      ),
    );
  } else {
    checks.push(
      ok(
        'forwarding',
        network.forwarding ? 'it is on; our firewall keeps the overlay out of it' : 'this host forwards no IPv6',
      ),
    );
  }
  const { uplinks, strictReversePath } = network;
  const strict = uplinks.filter(({ name }) => strictReversePath.includes(name)).map(({ name }) => name);
  if (uplinks.length > 1 && strict.length > 0) {
    checks.push(
      warning(
        'reverse path',
        `there are several uplinks (${uplinks.map(({ name }) => name).join(', ')}), and rp_filter is strict on ${strict.join(', ')}: packets of machines that come by one and are answered by another are dropped`,
        `${strict.map((name) => `sysctl -w net.ipv4.conf.${name}.rp_filter=2`).join('; ')} (2 is loose)`,
      ),
    );
  }
  checks.push(judgeMtu(network));
  return checks;
}

function judgeMtu({ interface: device, uplinks }: Facts['network']): Check {
  const name = 'mtu';
  const mtu = device?.mtu ?? null;
  if (mtu !== null && mtu !== OVERLAY_MTU) {
    const message = `the overlay's interface has MTU ${mtu} instead of ${OVERLAY_MTU}: large packets vanish on some paths`;
    return warning(name, message, 'whoever set it must not (networkd? NetworkManager?); the daemon puts it right');
  }
  const narrow = uplinks.find((uplink) => uplink.mtu !== null && uplink.mtu < OVERLAY_MTU + WIREGUARD_OVERHEAD);
  if (narrow === undefined) return ok(name, `the overlay's packets fit`);
  const least = OVERLAY_MTU + WIREGUARD_OVERHEAD;
  const message = `${narrow.name} has MTU ${narrow.mtu}: WireGuard's packets of up to ${least} bytes are sent in fragments, which some networks drop`;
  return warning(name, message, `raise it to ${least} or more, if the network behind allows it`);
}

export function judgeClock({ now, clockSynchronized }: Facts): Check {
  const name = 'clock';
  const time = new Date(now).toISOString();
  if (now < NOT_BEFORE) return wrong(name, `it is ${time} here`, 'timedatectl set-ntp true');
  if (clockSynchronized === false) {
    const message = `it is ${time} here, and nobody says that it is right: token expiry, TLS and the times of records rest on it`;
    return warning(name, message, 'timedatectl set-ntp true, or another source of time');
  }
  return ok(
    name,
    clockSynchronized === true
      ? 'it is synchronized'
      : `it is ${time} here; whether that is right nobody on this host knows`,
  );
}
