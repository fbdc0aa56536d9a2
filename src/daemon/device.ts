import type { Config } from '../config/config.ts';
import { WireGuardDevice, type WireGuardDeviceDeps } from '../wireguard/device.ts';
import { type Installation, stateFiles } from './state-dir.ts';

/** The device that the configuration describes; nothing is touched before its `start`. */
export function createDevice(
  config: Config,
  { identity, overlay }: Installation,
  deps: WireGuardDeviceDeps,
): WireGuardDevice {
  return new WireGuardDevice(
    {
      interface: config.overlay.interface,
      backend: config.overlay.backend,
      publicKey: identity.privateKey.publicKey,
      privateKeyFile: stateFiles(config.state_dir).privateKey,
      listenPort: config.wireguard.listen_port,
      overlay,
      firewall: config.overlay.firewall,
      allowGroup: config.overlay.allow_group,
      kmsgPort: config.sinks.kmsg_port,
      eventsPort: config.sinks.events_port,
    },
    deps,
  );
}
