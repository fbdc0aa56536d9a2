// Prints the port at which machines are told to dial 127.0.0.1, because nobody said another place and this host has no
// address; prints nothing otherwise. A configuration that is wrong is the daemon's to tell.
import { networkInterfaces } from 'node:os';
import { loadConfig } from '../../dist/config/config.js';
import { advertisedEndpoints } from '../../dist/daemon/endpoints.js';

try {
  const { wireguard, overlay } = loadConfig({ env: process.env });
  const { endpoints, listen_port: port } = wireguard;
  const { host } = advertisedEndpoints(endpoints, port, networkInterfaces(), overlay.interface);
  if (endpoints.length === 0 && host === '127.0.0.1') process.stdout.write(`${port}\n`);
} catch {}
