import { readFileSync } from 'node:fs';
import { ServerCredentials } from '@grpc/grpc-js';
import type { Config } from '../config/config.ts';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';

/**
 * What the API's listener proves itself with: the configured certificate chain, or nothing (plaintext HTTP/2).
 *
 * @throws SiderolinkError `configuration` if the files cannot be read or do not belong together
 */
export function apiCredentials(tls: Config['api']['tls']): ServerCredentials | undefined {
  if (tls.cert_file === null || tls.key_file === null) return undefined;
  try {
    const chain = { cert_chain: readFileSync(tls.cert_file), private_key: readFileSync(tls.key_file) };
    return ServerCredentials.createSsl(null, [chain], false);
  } catch (error) {
    throw new SiderolinkError(
      'configuration',
      `api.tls: the certificate ${tls.cert_file} and its key ${tls.key_file} cannot be used: ${errorMessage(error)}`,
      {},
      { cause: error },
    );
  }
}
