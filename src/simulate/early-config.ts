import { zstdDecompressSync } from 'node:zlib';
import { parseAllDocuments } from 'yaml';
import { SiderolinkError } from '../domain/errors.ts';

/** More is none that stands on a kernel command line, compressed. */
const MAX_BYTES = 1024 * 1024;

/**
 * The certificates of the `TrustedRootsConfig` documents in a value of `talos.config.early=`, PEM; undefined if it has
 * none. Other documents are left alone (facts/talos-client.md sections 1.1 and 1.2).
 *
 * @throws SiderolinkError `invalid_argument` of what is not base64(zstd(YAML))
 */
export function earlyRoots(value: string): string | undefined {
  const documents = parseAllDocuments(unpack(value), { logLevel: 'error' });
  const roots = [...documents].flatMap((document) => {
    if (document.errors.length > 0) throw refused('YAML', document.errors[0]);
    const { kind, certificates } = (document.toJS() ?? {}) as Readonly<Record<string, unknown>>;
    return kind === 'TrustedRootsConfig' && typeof certificates === 'string' ? [certificates] : [];
  });
  return roots.length === 0 ? undefined : roots.join('\n');
}

function unpack(value: string): string {
  try {
    return zstdDecompressSync(Buffer.from(value, 'base64'), { maxOutputLength: MAX_BYTES }).toString();
  } catch (error) {
    throw refused('base64 of zstd', error);
  }
}

function refused(what: string, cause: unknown): SiderolinkError {
  return new SiderolinkError('invalid_argument', `talos.config.early is no ${what}`, {}, { cause });
}
