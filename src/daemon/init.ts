import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, DEFAULT_CONFIG_PATH } from '../config/config.ts';
import { SiderolinkError } from '../domain/errors.ts';
import { PrivateKey } from '../domain/keys.ts';
import { overlayOf } from '../domain/overlay.ts';
import { socketDropIns, socketUnit } from '../domain/socket-units.ts';
import { wantedSockets } from './inherited-sockets.ts';
import { SYSTEMD_DIR, type WrittenUnit, writeUnits } from './socket-units.ts';
import { adopt, ensureStateDir, giveAway, loadIdentity, stateFiles } from './state-dir.ts';

/** What `siderolinkd init` was asked for. */
export interface InitOptions {
  readonly config?: string;
  readonly installationIdFile?: string;
  readonly privateKeyFile?: string;
  /** Of commander: `--no-systemd`. */
  readonly systemd: boolean;
  readonly systemdDir?: string;
}

export interface InitDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
}

/** Makes or adopts the identity, and tells systemd what to listen on. */
export function init(config: Config, options: InitOptions, { env, print }: InitDeps): void {
  const server = initIdentity(config.state_dir, options, print);
  const directory = systemdDirectory(options, env, print);
  if (directory === undefined) return;
  print(unitsReport(writeUnits(directory, socketDropIns(wantedSockets(config, server)))));
}

function initIdentity(
  directory: string,
  { installationIdFile, privateKeyFile }: InitOptions,
  print: InitDeps['print'],
): string {
  // Both are read before anything is written: what was adopted once stays.
  const installationId = installationIdFile === undefined ? undefined : read(installationIdFile);
  const privateKey = privateKeyFile === undefined ? undefined : readKey(privateKeyFile);
  ensureStateDir(directory);
  const files = stateFiles(directory);
  if (installationId !== undefined) adopt(files.installationId, installationId);
  if (privateKey !== undefined) adopt(files.privateKey, privateKey);
  const identity = loadIdentity(directory);
  giveAway(directory, [files.installationId, files.privateKey, files.uniqueTokenKey]);
  const overlay = overlayOf(identity.installationId);
  print(`overlay     ${overlay.prefix}\nserver      ${overlay.server}\npublic key  ${identity.privateKey.publicKey}`);
  return overlay.server;
}

/**
 * Where the drop-ins go; undefined for nowhere. The units start a daemon with the configuration of its default place: what
 * another one says is not for them.
 */
function systemdDirectory(
  { config, systemd, systemdDir }: InitOptions,
  env: InitDeps['env'],
  print: InitDeps['print'],
): string | undefined {
  if (!systemd) return undefined;
  if (systemdDir !== undefined) return systemdDir;
  if (!existsSync(join(SYSTEMD_DIR, socketUnit('api')))) return undefined;
  const elsewhere =
    (config !== undefined && config !== DEFAULT_CONFIG_PATH) ||
    Object.keys(env).some((name) => name.startsWith('SIDEROLINKD__'));
  if (!elsewhere) return SYSTEMD_DIR;
  print(
    `\nsystemd's units are left alone: they use ${DEFAULT_CONFIG_PATH} and nothing else. ` +
      `For these settings to be theirs: --systemd-dir ${SYSTEMD_DIR}`,
  );
  return undefined;
}

function unitsReport(units: readonly WrittenUnit[]): string {
  const list = units.map(({ path, what }) => `  ${path}${what === 'written' ? '' : ` (${what})`}`).join('\n');
  const changed = units.some(({ what }) => what !== 'unchanged');
  return `\nwhat systemd listens on for siderolinkd:\n${list}\n${changed ? NEXT : 'Nothing has changed.'}`;
}

const NEXT = `For it to count:
  systemctl daemon-reload
  systemctl stop 'siderolinkd-*.socket' siderolinkd
  systemctl start siderolinkd`;

function readKey(file: string): string {
  const text = read(file);
  try {
    PrivateKey.parse(text);
  } catch (error) {
    throw new SiderolinkError('invalid_argument', `${file} holds no WireGuard private key`, {}, { cause: error });
  }
  return text;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new SiderolinkError('invalid_argument', `cannot read ${file}`, {}, { cause: error });
  }
}
