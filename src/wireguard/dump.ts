import { SiderolinkError } from '../domain/errors.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { ObservedDevice, ObservedPeer } from './types.ts';

const NONE = '(none)';
const DEVICE_FIELDS = 4;
const PEER_FIELDS = 8;

/**
 * Parses the output of `wg show <interface> dump` (wg(8)): a line of private key, public key, listen port and mark; then
 * a line a peer: public key, preshared key, endpoint, allowed IPs, latest handshake, received, sent, keepalive.
 *
 * @throws SiderolinkError `command_failed`; it names the line by number only, because line 1 holds the private key
 */
export function parseDump(text: string): ObservedDevice {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const device = lines[0]?.split('\t') ?? [];
  if (device.length !== DEVICE_FIELDS) throw malformed(1);
  const peers = new Map<PublicKey, ObservedPeer>();
  for (let index = 1; index < lines.length; index += 1) {
    const peer = parsePeer(lines[index] ?? '', index + 1);
    peers.set(peer.publicKey, peer);
  }
  const publicKey = device[1] ?? NONE;
  return {
    publicKey: publicKey === NONE ? null : (publicKey as PublicKey),
    listenPort: count(device[2], 1),
    peers,
  };
}

function parsePeer(line: string, number: number): ObservedPeer {
  const fields = line.split('\t');
  if (fields.length !== PEER_FIELDS) throw malformed(number);
  const [publicKey = '', , endpoint = NONE, allowedIps = NONE, handshake, rx, tx] = fields;
  if (publicKey.length !== 44) throw malformed(number);
  return {
    publicKey: publicKey as PublicKey,
    endpoint: endpoint === NONE ? null : endpoint,
    allowedIps: allowedIps === NONE ? [] : allowedIps.split(','),
    latestHandshake: count(handshake, number),
    rxBytes: count(rx, number),
    txBytes: count(tx, number),
  };
}

function count(field: string | undefined, line: number): number {
  const value = Number(field);
  if (field === undefined || field === '' || !Number.isInteger(value) || value < 0) throw malformed(line);
  return value;
}

function malformed(line: number): SiderolinkError {
  return new SiderolinkError('command_failed', `wg: line ${line} of its dump is not what wg(8) describes`, { line });
}
