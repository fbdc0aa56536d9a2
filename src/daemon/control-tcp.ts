import type { Config } from '../config/config.ts';
import type { ControlServer, ControlServerOptions } from '../control/server.ts';
import type { CertificateSource } from '../lib/certificate.ts';
import type { Lifecycle } from './lifecycle.ts';
import { listening } from './listening.ts';
import { CertificateFiles, type CertificateFilesDeps } from './tls/certificate-files.ts';

/** What the control API needs to listen on TCP; nothing where it is not to. */
export function controlTcp({ control }: Config): Pick<ControlServerOptions, 'tcp'> {
  const { listen, hosts, tokens_file } = control;
  if (listen === null || tokens_file === null) return {};
  return { tcp: { listen, hosts, tokens: { path: tokens_file } } };
}

/**
 * The certificate of the control API's listener, kept fresh; undefined for plain HTTP, which is for loopback alone.
 *
 * @throws SiderolinkError `configuration`
 */
export async function startControlCertificate(
  { control }: Config,
  lifecycle: Lifecycle,
  deps: CertificateFilesDeps,
): Promise<CertificateSource | undefined> {
  const { cert_file: certFile, key_file: keyFile } = control.tls;
  if (control.listen === null || certFile === null || keyFile === null) return undefined;
  const named = { setting: 'control.tls', condition: 'control_certificate' as const, hostsFrom: 'control.hosts names' };
  const certificate = new CertificateFiles({ ...named, certFile, keyFile, hosts: control.hosts }, deps);
  await lifecycle.run('control certificate', certificate);
  return certificate;
}

/** Listens on TCP once the socket does; the server's own stop ends both. */
export async function runControlTcp({ control }: Config, lifecycle: Lifecycle, server: ControlServer): Promise<void> {
  if (control.listen === null) return;
  const part = { start: () => server.listen(), stop: () => undefined };
  await lifecycle.run('control API over TCP', listening('control.listen', control.listen, part));
}
