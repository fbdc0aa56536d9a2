import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { selfSigned } from '../../src/simulate/certificate.ts';

const now = Date.UTC(2026, 7, 9, 12, 30, 15);

test('a certificate is what was asked for, signed by its own key', () => {
  const { cert, key } = selfSigned({
    commonName: 'maintenance-service.talos.dev',
    subjects: ['fdae:41e4:649b:9303::10', '127.0.0.1', '::1', 'talos-abc'],
    now,
  });
  const x509 = new X509Certificate(cert);
  expect(x509.subject).toBe('CN=maintenance-service.talos.dev');
  expect(x509.issuer).toBe(x509.subject);
  expect(x509.subjectAltName).toBe(
    'IP Address:FDAE:41E4:649B:9303:0:0:0:10, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:talos-abc',
  );
  expect(x509.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect([x509.validFromDate.getTime(), x509.validToDate.getTime()]).toEqual([
    now - 3_600_000,
    now + 365 * 24 * 3_600_000,
  ]);
  expect(x509.verify(x509.publicKey)).toBe(true);
  expect(x509.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(x509.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
});

test('each has a key and a serial number of its own', () => {
  const [a, b] = [1, 2].map(() => new X509Certificate(selfSigned({ commonName: 'x', subjects: ['x'], now }).cert));
  expect(a?.fingerprint256).not.toBe(b?.fingerprint256);
  expect(a?.serialNumber).not.toBe(b?.serialNumber);
});

test('names and addresses of any number and length survive', () => {
  const label = fc.stringMatching(/^[a-z]{1,20}$/);
  const subject = fc.oneof(
    fc.ipV6(),
    fc.ipV4(),
    fc.array(label, { minLength: 1, maxLength: 6 }).map((l) => l.join('.')),
  );
  fc.assert(
    fc.property(label, fc.array(subject, { minLength: 1, maxLength: 60 }), (commonName, subjects) => {
      const x509 = new X509Certificate(selfSigned({ commonName, subjects, now }).cert);
      expect(x509.subjectAltName?.split(', ')).toHaveLength(subjects.length);
      expect(x509.verify(x509.publicKey)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('a client that trusts the certificate shakes hands with its server', async () => {
  const pair = selfSigned({ commonName: 'x', subjects: ['127.0.0.1'], now: Date.now() });
  const server = createServer(pair, (socket) => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port, ca: pair.cert });
  try {
    await once(client, 'secureConnect');
    expect(client.authorized).toBe(true);
  } finally {
    client.destroy();
    server.close();
  }
});
