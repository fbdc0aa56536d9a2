import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stateFiles } from '../../src/daemon/state-dir.ts';
import { PrivateKey } from '../../src/domain/keys.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { expectManyBoots, madeFor, token, told } from './walking.ts';

// The walks of DESIGN section 6 whose waits are minutes, with the real waits.

/** A peer without a handshake for 275 s is down; machines look every 30 s. */
const MISSES_US_MS = 275_000 + 30_000;

/** A walk has a gateway to itself, because some end the daemon; so several can wait at one time. */
async function walk(go: (gateway: Gateway) => Promise<void>): Promise<void> {
  const gateway = new Gateway();
  try {
    await gateway.create();
    await gateway.start();
    await go(gateway);
  } finally {
    await gateway.dispose();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A line that a machine sends now arrives, as one of this boot; lines that went into a dead connection are lost. */
async function expectLines(gateway: Gateway, guest: Guest, boot: number, withinMs = 60_000): Promise<void> {
  const { head } = (await gateway.client.status()).records;
  await gateway.until(
    `a line of ${guest.uuid}`,
    async () => {
      await guest.machine.log('a line of the walk');
      const found = await gateway.records({ machine: guest.uuid, after: head, grep: 'a line of the walk' });
      return found.some((record) => record.boot === boot);
    },
    withinMs,
  );
}

describe('walks that take minutes', { concurrent: true }, () => {
  it('first boot with UDP blocked: a call every 30 s, one identity, one commit', () =>
    walk(async (gateway) => {
      const guest = await Guest.create(gateway);
      await guest.machine.setOutage('udp');
      await guest.machine.start();
      await gateway.until('five calls', async () => (await guest.state()).counters.provisions >= 5, 180_000);
      expect(await gateway.client.machine(guest.uuid)).toMatchObject({ boot: 1, version: 1, link: { state: 'never' } });
      expect(await told(gateway, guest.uuid)).toEqual(['discovered', 'accepted']);
      await guest.machine.setOutage('none');
      expect(await guest.linked()).toBe((await gateway.client.machine(guest.uuid)).address);
    }));

  it('booted by PXE after 20 s and after 5 min off: no token, the same address', () =>
    walk(async (gateway) => {
      const guest = await Guest.create(gateway, { loseMeta: true, meta: token('in memory') });
      const address = await guest.on();
      for (const [index, ms] of [20_000, 300_000].entries()) {
        await guest.off();
        await pause(ms);
        expect(await guest.on()).toBe(address);
        expect(await gateway.client.machine(guest.uuid)).toMatchObject({ boot: index + 2, unique_token: 'none' });
      }
      expect(await madeFor(gateway, guest.uuid)).toEqual([]);
    }));

  it('our key changed: the machine misses us, calls with its key, and is linked again with the same boot', () =>
    walk(async (gateway) => {
      const guest = await Guest.create(gateway);
      const address = await guest.on();
      const { publicKey } = await guest.state();
      await gateway.end('SIGTERM');
      writeFileSync(stateFiles(gateway.stateDir).privateKey, PrivateKey.generate().reveal());
      await gateway.start();
      await gateway.until(
        'it has called',
        async () => (await guest.state()).counters.provisions === 2,
        MISSES_US_MS + 60_000,
      );
      expect(await guest.linked()).toBe(address);
      expect(await gateway.client.machine(guest.uuid)).toMatchObject({ boot: 1, public_key: publicKey, address });
      await expectLines(gateway, guest, 1);
      expect((await told(gateway, guest.uuid)).filter((detail) => detail === 'rebooted')).toEqual([]);
    }));

  it.each([
    ['with META', 'kept', 'proven'],
    ['without META', '', 'none'],
  ])('database restored, machine %s rebooted since: it misses us and calls with a key that is new', (_, text, trust) =>
    walk(async (gateway) => {
      const guest = await Guest.create(gateway, text === '' ? {} : { meta: token(text) });
      const address = await guest.on();
      await gateway.end('SIGTERM');
      cpSync(gateway.stateDir, `${gateway.stateDir}.copy`, { recursive: true });
      await gateway.start();
      expect(await guest.reboot()).toBe(address);
      await gateway.end('SIGTERM');
      rmSync(gateway.stateDir, { recursive: true });
      renameSync(`${gateway.stateDir}.copy`, gateway.stateDir);
      await gateway.start();
      expect((await gateway.client.machine(guest.uuid)).boot).toBe(1);
      await gateway.until(
        'it is known',
        async () => (await gateway.client.machine(guest.uuid)).boot === 2,
        MISSES_US_MS + 60_000,
      );
      expect(await guest.linked()).toBe(address);
      expect(await gateway.client.machine(guest.uuid)).toMatchObject({ address, unique_token: trust });
      await expectLines(gateway, guest, 2);
    }),
  );

  it('removed and still powered: it misses us and is refused until it is readmitted, with a line a minute', () =>
    walk(async (gateway) => {
      const guest = await Guest.create(gateway);
      const address = await guest.on();
      await gateway.client.removeMachine(guest.uuid);
      await gateway.until(
        'it is refused',
        async () => guest.notices('provision_failed').length > 0,
        MISSES_US_MS + 60_000,
      );
      const from = performance.now();
      await gateway.until('it is refused again', () => guest.notices('provision_failed').length >= 8, 300_000);
      const minutes = (performance.now() - from) / 60_000;
      const lines = gateway.logged('join refused').filter(({ uuid }) => uuid === guest.uuid);
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.length).toBeLessThanOrEqual(1 + Math.ceil(minutes));
      expect(new Set(lines.map(({ reason }) => reason))).toEqual(new Set(['removed']));
      await gateway.client.readmitMachine(guest.uuid);
      // Its key is a boot's that we know: it needs nothing but its next call.
      expect(await guest.linked(120_000)).toBe(address);
      expect((await gateway.client.machine(guest.uuid)).boot).toBe(1);
    }));

  it.each([
    ['without META', ''],
    ['with it', 'kept'],
  ])('a hundred reboots %s', (_, uniqueToken) =>
    walk(async (gateway) => {
      await expectManyBoots(gateway, await gateway.caller(), uniqueToken, 100);
    }),
  );

  it('twenty reboots with links, every other one without META: the lines of each are its own', () =>
    walk(async (gateway) => {
      const guest = await Guest.create(gateway);
      const address = await guest.on();
      await expectLines(gateway, guest, 1);
      for (let boot = 2; boot <= 20; boot += 1) {
        expect(await guest.reboot({ mode: 'kexec', abrupt: boot % 3 === 0, loseMeta: boot % 2 === 0 })).toBe(address);
        await expectLines(gateway, guest, boot);
      }
      expect([...(await gateway.peers()).keys()]).toEqual([(await guest.state()).publicKey]);
      const boots = await gateway.client.boots(guest.uuid);
      expect(boots.map(({ boot }) => boot)).toEqual(Array.from({ length: 20 }, (_, index) => 20 - index));
      const lines = await gateway.records({ machine: guest.uuid, filter: ['*.*.*.kmsg.>'] });
      for (const { boot } of boots) {
        const seqs = lines.filter((record) => record.boot === boot).map(({ body }) => body['seq']);
        expect(seqs[0]).toBe(0);
        expect(new Set(seqs).size).toBe(seqs.length);
      }
    }));
});
