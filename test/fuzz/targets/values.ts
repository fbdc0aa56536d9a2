import { isDeepStrictEqual } from 'node:util';
import { formatBytes, parseBytes } from '../../../src/domain/bytes.ts';
import { formatDuration, parseDuration } from '../../../src/domain/duration.ts';
import { endpointsFromWire, wireEndpoints } from '../../../src/domain/endpoints.ts';
import { formatHostPort, splitHostPort } from '../../../src/domain/host-port.ts';
import { swappedUuid } from '../../../src/domain/join-request.ts';
import { kernelArgs } from '../../../src/domain/kernel-args.ts';
import { PrivateKey, parsePublicKey } from '../../../src/domain/keys.ts';
import { parseListenFds } from '../../../src/domain/listen-fds.ts';
import type { OverlayAddress } from '../../../src/domain/overlay.ts';
import { findSocket, SOCKET_TABLES } from '../../../src/domain/socket-table.ts';
import { parseTalosVersion } from '../../../src/domain/talos-version.ts';
import { asNodeUuid, isJunkUuid, parseNodeUuid } from '../../../src/domain/uuid.ts';
import type { Dice } from '../dice.ts';
import { must, orRefused, type Target } from '../fuzzer.ts';

type Look = (text: string, dice: Dice) => boolean;

/** Each takes a text or refuses it; what is taken can be written and read again. */
const LOOKS: Readonly<Record<string, Look>> = {
  duration: (text) => {
    const duration = orRefused(() => parseDuration(text));
    if (duration === undefined) return false;
    must(Number.isSafeInteger(duration) && duration >= 0, 'whole milliseconds');
    must(parseDuration(formatDuration(duration)) === duration, 'the same again');
    return true;
  },
  bytes: (text) => {
    const bytes = orRefused(() => parseBytes(text));
    if (bytes === undefined) return false;
    must(Number.isSafeInteger(bytes) && bytes >= 0 && parseBytes(formatBytes(bytes)) === bytes, 'the same again');
    return true;
  },
  'host and port': (text) => {
    const split = splitHostPort(text);
    if (split === undefined) return false;
    must(Number.isInteger(split.port) && split.port >= 0 && split.port <= 65_535, 'a port');
    const again = splitHostPort(formatHostPort(split));
    must(again?.host === split.host && again.port === split.port, 'the same again');
    return true;
  },
  endpoints: (text) => {
    const list = text.split(',');
    must(isDeepStrictEqual(endpointsFromWire(wireEndpoints(list)), list), 'the same again');
    return true;
  },
  'Talos version': (text) => {
    const version = parseTalosVersion(text);
    must(version === undefined || (version.major < 10_000 && version.minor < 10_000), 'small numbers');
    return version !== undefined;
  },
  UUID: (text) => {
    const uuid = asNodeUuid(text);
    must((orRefused(() => parseNodeUuid(text)) ?? undefined) === uuid, 'both readers agree');
    isJunkUuid(text);
    must(uuid === undefined || swappedUuid(swappedUuid(uuid)) === uuid, 'swapped twice it is the same');
    return uuid !== undefined;
  },
  'public key': (text) => {
    const key = orRefused(() => parsePublicKey(text));
    if (key === undefined) return false;
    const bytes = Buffer.from(key, 'base64');
    must(bytes.length === 32 && bytes.toString('base64') === text, 'it is canonical');
    return true;
  },
  'private key': (text) => {
    const trimmed = text.trim();
    const quiet = (message: string) =>
      must(trimmed.length < 30 || !message.includes(trimmed), 'no error repeats a key');
    const key = orRefused(
      () => PrivateKey.parse(text),
      (error) => quiet(error.message),
    );
    if (key === undefined) return false;
    must(
      key.reveal() === trimmed && !`${key} ${JSON.stringify(key)}`.includes(trimmed),
      'it shows itself only when asked',
    );
    return true;
  },
  'kernel arguments': (text, dice) => {
    const [apiUrl = '', token = '', talosVersion] = text.split(' ');
    const input = {
      apiUrl,
      server: 'fd00::1' as OverlayAddress,
      kmsgPort: 4001,
      eventsPort: 4002,
      token,
      ...(talosVersion !== undefined && { talosVersion }),
      tunnel: dice.chance(0.3),
    };
    const made = orRefused(() => kernelArgs(input));
    if (made === undefined) return false;
    for (const arg of made.args) must(!/[\s"'\0]/.test(arg), `an argument is one word: ${JSON.stringify(arg)}`);
    return true;
  },
  'handed sockets': (text) => {
    const [LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID = '7'] = text.split(' ');
    const fds = orRefused(() => parseListenFds({ LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID }, 7));
    must((fds ?? []).length <= 64, 'a list that can be walked');
    return fds !== undefined && fds.length > 0;
  },
  'socket table': (text, dice) => {
    const socket = findSocket(dice.pick(SOCKET_TABLES) ?? 'tcp', text, dice.pick([12345, dice.int(0, 99_999)]));
    return socket !== undefined;
  },
};

const NAMES = Object.keys(LOOKS) as [string, ...string[]];

const SOCKETS =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' +
  '   0: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000 100 0 0 10 0\n';

const TRUE_TEXTS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  duration: ['30d', '1h30m', '250ms', '0', '1w2d3h4m5s6ms', '999999999999999w'],
  bytes: ['10GiB', '512 MiB', '65536', '1500B', '7TB', '999999999999999TiB'],
  'host and port': ['example.com:443', '[fd00::1]:8081', '10.0.0.1:0', '[::]:65535', 'a:65536'],
  endpoints: ['10.0.0.1:51820,[fd00::1]:51820,a:1', ''],
  'Talos version': ['v1.13.0', 'v1.14.0-beta.1', '1.6', 'v1.9.0-alpha.0-12-gabcdef0-dirty'],
  UUID: [
    '71233efd-7a07-43f8-b6ba-da90fae0e88b',
    '03000200-0400-0500-0006-000700080009',
    'FEFEFEFE-FEFE-FEFE-FEFE-FEFEFEFEFEFE',
  ],
  'public key': ['TNgY2CPVCL1pVYVB5BkHtwm8nQM4pYBTHGNwMGrM0ic=', `${'A'.repeat(43)}=`],
  'private key': [' yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n', `${'A'.repeat(43)}=`],
  'kernel arguments': ['grpc://gw.example.com:8081 token v1.13.0', 'https://[fd00::1] a\'b"c$d', 'grpc://10.0.0.1:1'],
  'handed sockets': ['2 kmsg:events', '64', '3 a:b:c 7', '99999999999'],
  'socket table': [SOCKETS],
};

/** Small values, each behind its name: `UUID|71233efd-…`. */
export const values: Target = {
  name: 'values',
  share: 130,
  words: [
    '|',
    ...NAMES.map((name) => `${name}|`),
    '0',
    '-',
    ':',
    '[',
    ']',
    'ms',
    'd',
    'KiB',
    ' ',
    '\n',
    '%',
    '=',
    '@',
    '?',
  ],
  outcomes: NAMES.flatMap((name) => (name === 'endpoints' ? [name] : [name, `no ${name}`])),
  seeds: () => NAMES.flatMap((name) => (TRUE_TEXTS[name] ?? []).map((text) => Buffer.from(`${name}|${text}`))),
  generate: (dice) => {
    const name = dice.pick(NAMES);
    if (/key$/.test(name) && dice.chance(0.5)) return Buffer.from(`${name}|${dice.bytes(32).toString('base64')}`);
    const parts = dice.list(5, () => (dice.chance(0.5) ? dice.pick(TRUE_TEXTS[name] ?? ['']) : dice.text(3)));
    return Buffer.from(`${name}|${parts.join('')}`);
  },
  begin: () => (input, dice) => {
    const [name = '', ...rest] = input.toString('utf8').split('|');
    const known = LOOKS[name] === undefined ? dice.pick(NAMES) : name;
    return LOOKS[known]?.(rest.join('|'), dice) ? known : `no ${known}`;
  },
};
