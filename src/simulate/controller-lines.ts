import { errorMessage } from '../domain/errors.ts';
import { formatHostPort } from '../domain/host-port.ts';
import type { BootArguments } from './boot-args.ts';

/** What Talos' controllers say of the link in the kernel log (facts/talos-client.md section 2, facts/users.md D16). */

export function controllerFailed(controller: string, error: unknown): string {
  return said('controller failed', controller, `"error": ${JSON.stringify(errorMessage(error))}`);
}

/** Lines about a link that was configured. Talos logs the API as it was given, token and all. */
export function linkLines({ api, commandLine }: BootArguments, endpoint: string, tunnelAddress: string): string[] {
  const given = /(?:^|\s)siderolink\.api=(\S+)/.exec(commandLine)?.[1] ?? '';
  const peer = `"endpoint": ${JSON.stringify(given)}, "next_peer_endpoint": "${tunnelAddress || endpoint}"`;
  const lines = [said('siderolink connection configured', 'siderolink.ManagerController', peer)];
  if (tunnelAddress !== '') {
    // Its secret in the tunnel, in a line without the token.
    const relay = `"old_endpoint": "", "old_node_address": "invalid AddrPort", "new_endpoint": "${formatHostPort(api)}", "new_node_address": "${tunnelAddress}"`;
    lines.push(said('updating tunnel relay', 'siderolink.UserspaceWireguardController', relay));
  }
  return lines;
}

function said(what: string, controller: string, fields: string): string {
  return `[talos] ${what} {"component": "controller-runtime", "controller": "${controller}", ${fields}}\n`;
}
