import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import type { MachineNotice } from '../../src/simulate/machine.ts';
import { TestAuthority } from '../lib/certificates.ts';
import { Gateway } from './gateway.ts';
import { genuineClient, withoutGo } from './genuine.ts';

const UUID = '5d3b0f2a-8a1c-4f0e-9d44-0b6a1e2c3d4e';

describe('an API with an authority of its own', () => {
  const gateway = new Gateway();
  beforeAll(async () => {
    vi.stubEnv('SIDEROLINKD__API__TLS__SELF_SIGNED', 'true');
    await gateway.create();
    await gateway.start();
  }, 240_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await gateway.dispose();
  });

  /** The authority as a machine gets it: out of the kernel arguments. */
  async function authority(): Promise<string> {
    const [, early = ''] = /talos\.config\.early=(\S+)/.exec(await gateway.kernelArguments()) ?? [];
    const document = parse(zstdDecompressSync(Buffer.from(early, 'base64')).toString());
    expect(document.kind).toBe('TrustedRootsConfig');
    return document.certificates;
  }

  it('advertises https and is no longer called plaintext', async () => {
    const status = await gateway.client.status();
    expect(status.api.url).toBe('https://192.0.2.1:8081');
    const conditions = Object.fromEntries(status.conditions.map(({ name, severity }) => [name, severity]));
    expect(conditions).toMatchObject({ api_certificate: 'ok' });
    expect(conditions).not.toHaveProperty('api_plaintext');
    expect((await gateway.client.kernelArgs({})).ca).toBe(await authority());
  });

  it('lets machines join that its kernel arguments tell of it, also after a restart, when its certificate is another one', async () => {
    const ca = await authority();
    for (const when of ['at first', 'after a restart']) {
      const machine = await gateway.machine();
      const { uuid } = await machine.state();
      await machine.start();
      await gateway.until(`a machine has joined ${when}`, async () => (await gateway.client.machine(uuid)).boot === 1);
      await gateway.end('SIGTERM');
      await gateway.start();
      expect(await authority()).toBe(ca);
    }
  }, 240_000);

  it('is not called by a machine that cannot read what tells of it, Talos 1.10', async () => {
    const notices: MachineNotice[] = [];
    const machine = await gateway.machine({ version: '1.10' }, { onNotice: (notice) => void notices.push(notice) });
    await machine.start();
    const errors = () => notices.flatMap((notice) => (notice.kind === 'provision_failed' ? [notice.error] : []));
    await gateway.until('it refuses the certificate', () => errors().length > 0);
    expect(errors()[0]).toMatch(/certificate/);
    await machine.close();
  }, 120_000);

  it('keeps the key of the authority to itself', () => {
    const file = join(gateway.directory, 'state', 'api-ca.pem');
    const [, secret = ''] = readFileSync(file, 'utf8').split('\n');
    expect(secret).toMatch(/^[A-Za-z0-9+/=]{60,}$/);
    expect(gateway.log).not.toContain(secret);
    expect(gateway.stateBytes().split(secret)).toHaveLength(2);
  });

  describe.skipIf(withoutGo)('and the genuine client', () => {
    /** Joins from `10.9.<net>.2` with these roots; gives the steps that the client reports. */
    async function dial(
      roots: string,
      net: number,
      { tunnel = false, uuid = UUID } = {},
    ): Promise<Record<string, unknown>[]> {
      const machine = await gateway.network.namespace(`go-tls-${net}`);
      await gateway.network.connect(gateway.namespace, `10.9.${net}.1/24`, machine, `10.9.${net}.2/24`);
      await machine.run(['ip', 'route', 'add', 'default', 'via', `10.9.${net}.1`]);
      const file = join(gateway.directory, 'roots.pem');
      writeFileSync(file, roots);
      await gateway.kernelArguments();
      const { args } = await gateway.client.kernelArgs({ token: gateway.token, tunnel });
      const api = args.find((argument) => argument.startsWith('siderolink.api=')) ?? '';
      const what = ['--api', api.replace('siderolink.api=', ''), '--uuid', uuid, '--talos-version', 'v1.13.0'];
      const how = ['--interface', gateway.network.interfaceName(), '--lines', '10'];
      // A failed join is reported on stdout, with exit code 1.
      const script = 'SSL_CERT_FILE="$0" "$@" || true';
      const output = await machine.run(['sh', '-c', script, file, genuineClient(), 'join', ...what, ...how], {
        timeoutMs: 180_000,
      });
      return output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    }

    it('joins over TLS', async () => {
      const steps = await dial(await authority(), 50);
      expect(steps.map(({ step }) => step)).toEqual(expect.arrayContaining(['provisioned', 'handshake', 'done']));
    }, 240_000);

    it('sends its packets in the tunnel over TLS', async () => {
      const steps = await dial(await authority(), 52, { tunnel: true, uuid: UUID.replace('5', '6') });
      expect(steps.map(({ step }) => step)).toEqual(['provisioned', 'link', 'handshake', 'lines', 'done']);
      expect(steps[1]).toMatchObject({ backend: 'tunnel' });
    }, 240_000);

    it('does not call an API that it does not trust, and the log names it and the reason', async () => {
      const steps = await dial(new TestAuthority().root.cert, 51);
      expect(steps).toEqual([{ step: 'failed', error: expect.stringMatching(/certificate/) }]);
      await gateway.until('it is logged', () => /10\.9\.51\.2.*does not trust our certificate/.test(gateway.log));
    }, 240_000);
  });
});
