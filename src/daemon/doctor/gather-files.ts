import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { Config } from '../../config/config.ts';
import { lifetime, readChain } from '../../domain/certificate.ts';
import { errorMessage } from '../../domain/errors.ts';
import { stateFiles } from '../state-dir.ts';
import type { CertificateFact, StateDirFact } from './facts.ts';

const WHY_UNSEEN: Readonly<Record<string, StateDirFact['state']>> = { ENOENT: 'missing', ENOTDIR: 'no_directory' };

/** The state directory as whoever asks may see it. */
export function stateDirFact(directory: string): StateDirFact {
  const unknown = { directory, mode: null, exposed: [], freeBytes: null, usedBytes: null };
  let mode: number;
  let names: readonly string[];
  try {
    mode = statSync(directory).mode & 0o7777;
    names = readdirSync(directory);
  } catch (error) {
    return { ...unknown, state: WHY_UNSEEN[(error as NodeJS.ErrnoException).code ?? ''] ?? 'forbidden' };
  }
  const { privateKey, uniqueTokenKey, authority, database } = stateFiles(directory);
  const secrets = [privateKey, uniqueTokenKey, authority, database].map((file) => basename(file));
  const looks = names.flatMap((name) => look(join(directory, name), name));
  return {
    directory,
    state: 'there',
    mode,
    exposed: looks
      .filter(({ name, mode: bits }) => secrets.includes(name) && (bits & 0o077) !== 0)
      .map(({ name }) => name),
    freeBytes: freeBytes(directory),
    usedBytes: looks.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Nothing for a file that went away meanwhile. */
function look(file: string, name: string): readonly { name: string; mode: number; size: number }[] {
  try {
    const { mode, size } = statSync(file);
    return [{ name, mode, size }];
  } catch {
    return [];
  }
}

function freeBytes(directory: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** Each certificate that the configuration names, as callers would meet it; `told` is where a daemon says they call. */
export function certificateFacts(config: Config, now: number, told?: string): readonly CertificateFact[] {
  const api = told ?? config.api.url;
  const host = api === null ? config.wireguard.endpoints[0]?.host : new URL(api).hostname.replace(/^\[(.*)\]$/, '$1');
  const sections = [
    {
      setting: 'api.tls',
      ...config.api.tls,
      hosts: host === undefined ? [] : [host],
      hostsFrom: 'siderolink.api= advertises',
    },
    { setting: 'control.tls', ...config.control.tls, hosts: [], hostsFrom: '' },
  ];
  return sections.flatMap(({ setting, cert_file: certFile, key_file: keyFile, hosts, hostsFrom }) =>
    certFile === null || keyFile === null
      ? []
      : [certificateFact({ setting, certFile, keyFile, hosts, hostsFrom }, now)],
  );
}

interface CertificateFiles {
  readonly setting: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly hosts: readonly string[];
  readonly hostsFrom: string;
}

function certificateFact(
  { setting, certFile, keyFile, hosts, hostsFrom }: CertificateFiles,
  now: number,
): CertificateFact {
  try {
    const chain = readChain({
      certName: certFile,
      keyName: keyFile,
      cert: readFileSync(certFile, 'utf8'),
      key: readFileSync(keyFile, 'utf8'),
      hosts,
      hostsFrom,
      roots: rootCertificates,
    });
    const age = lifetime(chain, now);
    const messages = age === undefined ? chain.warnings : [age.message, ...chain.warnings];
    if (messages.length > 0) return { setting, severity: age?.severity ?? 'warning', message: messages.join('; ') };
    const until = chain.path[0]?.validToDate.toISOString().slice(0, 10);
    return { setting, severity: 'ok', message: `${certFile} is valid until ${until}` };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') {
      return { setting, severity: 'warning', message: `${errorMessage(error)}: run this as root to have it checked` };
    }
    return { setting, severity: 'error', message: errorMessage(error) };
  }
}
