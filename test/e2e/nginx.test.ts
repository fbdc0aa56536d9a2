import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/client/api.ts';
import type { Guest } from './guest.ts';
import type { Nginx } from './nginx.ts';
import { NginxGateway } from './nginx-gateway.ts';

// The recipe of docs/how-to/network.md, in Debian's nginx. What takes minutes is in nginx.long.ts.

const gateway = new NginxGateway();
const LINES = 160;
const LINE = 'v'.repeat(8_000);
let nginx: Nginx;

beforeAll(async () => {
  await gateway.create();
  await gateway.startBehindProxy();
  nginx = await gateway.nginx();
}, 240_000);
afterAll(() => gateway.dispose(), 240_000);

/** A machine that is there, and has sent more than 1 MiB. */
async function loud(by: Nginx): Promise<Guest> {
  const guest = await gateway.tcpOnly(by);
  await guest.on();
  await gateway.lineArrives(guest, 'through nginx');
  for (let line = 0; line < LINES; line += 1) await guest.machine.log(LINE);
  return guest;
}

describe('behind nginx', { concurrent: true, timeout: 240_000 }, () => {
  it('a machine joins and talks by TCP and TLS alone, as much as it likes', async () => {
    const guest = await loud(nginx);
    await gateway.until('all of it is stored', async () => (await gateway.lines(guest, LINE.slice(0, 99))) === LINES);
    expect(guest.notices('tunnel_ended')).toEqual([]);
    let link: Machine['link'] | undefined;
    await gateway.until('where it comes from is seen', async () => {
      link = (await gateway.client.machine(guest.uuid)).link;
      return link.endpoint !== null;
    });
    // The proxy's: who called it stands in its own log.
    expect(link).toMatchObject({ mode: 'tunnel', endpoint: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
    expect(nginx.accesses).toMatch(/^198\.\S+ .*"POST \/sidero\.link\.ProvisionService\/Provision HTTP\/2\.0" 200 /m);
  });

  it('a stream is cut after 1 MiB where the recipe has no client_max_body_size', async () => {
    const alter = (text: string) => text.replace(/^.*client_max_body_size.*\n/m, '');
    const bare = await gateway.nginx({ port: 8443, alter });
    const guest = await loud(bare);
    await gateway.until('its stream has ended', () => guest.notices('tunnel_ended').length > 0);
    expect(bare.errors).toContain('client intended to send too large chunked body');
  });

  it('a machine is told why it may not join, and anybody else that there is nothing', async () => {
    const stranger = await gateway.tcpOnly(nginx, { token: 'AAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA' });
    await stranger.machine.start();
    expect(await stranger.refused()).toMatch(/unauthorized/);
    const curl = ['curl', '-sk', '-o', '/dev/null', '-w', '%{http_code} %{http_version}'] as const;
    expect(await gateway.namespace.run([...curl, 'https://192.0.2.1/'])).toBe('404 2');
  });

  it('the API is not called plaintext', async () => {
    const { api, conditions } = await gateway.client.status();
    expect(api.url).toBe('https://192.0.2.1:443');
    expect(conditions.map(({ name }) => name)).not.toContain('api_plaintext');
  });
});
