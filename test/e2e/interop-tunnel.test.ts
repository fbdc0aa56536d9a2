import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/client/api.ts';
import { storedLines } from './explained-lines.ts';
import { Gateway } from './gateway.ts';
import { GenuineMachine, type GenuineOptions, type Step, withoutGo } from './genuine.ts';

// The genuine relay and the genuine user-space device, as Talos has them, through our tunnel. The relay ends only for a
// status whose code and text are those that it knows, both exact; after any other it opens a new stream.

/** Byte 7 is 04; leading zeros of its group are not written. */
const VIRTUAL = /^\[fd[0-9a-f]{2}(?::[0-9a-f]{1,4}){2}:(?:[0-9a-f]{1,2}04|4):.*\]:50888$/;
const RELAY = /^127\.64\.0\.\d+:\d+$/;
const EVENT_TYPES = 10;
const REPLACED = ['Aborted', 'peer replaced'];
const NOT_ALLOWED = ['PermissionDenied', 'peer not allowed'];
const STOPPING = ['Unavailable', 'stopping'];
const TAGS = { owner: 'acme', namespace: 'green', cluster: 'c1', metal_machine: 'mm', machine: 'm' };

/** Sends so many random bytes to port 50000 of an address, and looks at what comes back. */
const BOTH_WAYS = `
  import { randomBytes } from 'node:crypto';
  import { connect } from 'node:net';
  const [host, length] = process.argv.slice(1);
  const sent = randomBytes(Number(length));
  const socket = connect({ host, port: 50000 });
  socket.end(sent);
  const came = Buffer.concat(await socket.toArray());
  process.stdout.write(came.equals(sent) ? 'the same came back' : came.length + ' other bytes came back');
`;

const seqs = (count: number) => Array.from({ length: count }, (_, seq) => seq);
const statuses = (steps: readonly Step[]) => steps.map(({ code, message }) => [code, message]);

describe.skipIf(withoutGo)('the genuine relay and device', () => {
  const gateway = new Gateway();
  beforeAll(async () => {
    await gateway.create();
    await gateway.start();
  }, 240_000);
  afterAll(() => gateway.dispose(), 240_000);

  const seen = (uuid: string): Promise<Machine> => gateway.client.machine(uuid);

  async function inTunnel(options: GenuineOptions = {}): Promise<GenuineMachine> {
    const machine = await GenuineMachine.create(gateway, { asksForTunnel: true, tcpOnly: true, ...options });
    await machine.on();
    return machine;
  }

  /** Logs until a line arrives: what goes into a dead connection is lost, whatever the link. */
  async function talks(machine: GenuineMachine, text: string): Promise<void> {
    await gateway.until(`"${text}" is stored`, async () => {
      machine.log(text);
      const filter = { machine: machine.uuid, filter: ['*.*.*.kmsg.>'], grep: text };
      return (await gateway.records(filter)).length > 0;
    });
  }

  /** Waits until its packets come this way, and gives what the device has for its endpoint. */
  async function comesBy(machine: GenuineMachine, mode: Machine['link']['mode']): Promise<string> {
    let endpoint: string | null | undefined;
    await gateway.until(`${machine.uuid} comes by ${mode}`, async () => {
      const { link, public_key } = await seen(machine.uuid);
      endpoint = (await gateway.peers()).get(public_key ?? '')?.endpoint;
      return link.mode === mode && link.state === 'up' && link.endpoint !== null;
    });
    return endpoint ?? '';
  }

  describe('where the daemon stays', { concurrent: true, timeout: 240_000 }, () => {
    it('join where UDP is blocked; all events and lines arrive, tagged; and so after a reboot', async () => {
      const machine = await GenuineMachine.create(gateway, { asksForTunnel: true, tcpOnly: true });
      await gateway.client.registerMachine(machine.uuid, TAGS);
      await machine.boots(['--events-each', '--lines', '500', '--reboots', '1']);
      expect(machine.told('link').map(({ backend }) => backend)).toEqual(['tunnel', 'tunnel']);
      const [first, second] = machine.told('provisioned');
      expect(first?.['virtual_address']).toMatch(VIRTUAL);
      expect(first?.['server_endpoint']).toEqual([first?.['virtual_address']]);
      expect(second?.['virtual_address']).toMatch(VIRTUAL);
      expect(second?.['virtual_address']).not.toBe(first?.['virtual_address']);
      expect(second?.['node_address_prefix']).toBe(first?.['node_address_prefix']);
      // Its packets were let through as long as it was there.
      expect(machine.told('relay_ended')).toEqual([]);

      expect(await seen(machine.uuid)).toMatchObject({ boot: 2, public_key: second?.['public_key'] });
      const records = await gateway.records({ machine: machine.uuid });
      for (const boot of [1, 2]) {
        const of = (stream: string) =>
          records.filter(({ subject, ...record }) => record.boot === boot && subject.split('.')[3] === stream);
        expect(of('kmsg').map(({ body }) => body['seq'])).toEqual(seqs(500));
        expect(of('event')).toHaveLength(EVENT_TYPES);
        for (const { subject, body } of [...of('kmsg'), ...of('event')]) {
          expect(subject.split('.').slice(1, 3)).toEqual([TAGS.owner, machine.uuid]);
          expect(body).toMatchObject({ server_uuid: machine.uuid, ...TAGS });
        }
        expect(of('link').map(({ body }) => body['mode'])).toContain('tunnel');
        expect(of('link').map(({ body }) => body['mode'])).not.toContain('udp');
      }
    });

    it('from UDP into the tunnel, back, and in again: the same key, boot and address, and no line is lost', async () => {
      const machine = await GenuineMachine.create(gateway);
      await machine.on();
      await talks(machine, 'by UDP');
      const before = await seen(machine.uuid);
      const turns = [
        ['force', 'tunnel', RELAY],
        ['off', 'udp', /^10\.7\.\d+\.2:\d+$/],
        ['force', 'tunnel', RELAY],
      ] as const;
      for (const [turn, [tunnel, mode, endpoint]] of turns.entries()) {
        await gateway.client.patchMachine(machine.uuid, { tunnel });
        await machine.provision(mode === 'udp' ? 'UDP' : 'tunnel');
        await machine.event(`turn ${turn}`);
        await talks(machine, `turn ${turn}: by ${mode}`);
        expect(await comesBy(machine, mode)).toMatch(endpoint);
        const { boot, address, public_key } = before;
        expect(await seen(machine.uuid)).toMatchObject({ boot, address, public_key });
        expect(await machine.state()).toMatchObject({ public_key });
      }
      const told = machine.told('provisioned').map((step) => step['virtual_address']);
      expect(told.map((address) => address !== undefined)).toEqual([false, true, false, true]);
      expect(told[3]).not.toBe(told[1]);
      expect(machine.told('relay_ended')).toEqual([]);
      const lines = await gateway.records({ machine: machine.uuid, filter: ['*.*.*.kmsg.>'] });
      expect(lines.map(({ body }) => body['seq'])).toEqual(seqs(lines.length));
    });

    it('called by the gateway: megabytes go both ways', async () => {
      const machine = await inTunnel();
      await machine.echo(50_000);
      const { address } = await seen(machine.uuid);
      expect(await gateway.namespace.script(BOTH_WAYS, address, String(4 * 1024 * 1024))).toBe('the same came back');
      expect(machine.told('relay_ended')).toEqual([]);
    });

    it('a second stream: the first relay is told that it was replaced, and so is the second when the first is back', async () => {
      const machine = await inTunnel();
      await talks(machine, 'alone');
      machine.addRelay();
      await machine.heard('relay_ended');
      await machine.heard('added_relay_ended');
      expect(statuses(machine.told('relay_ended'))).toEqual([REPLACED]);
      expect(statuses(machine.told('stream_ended'))).toEqual([REPLACED, REPLACED]);
      expect(statuses(machine.told('added_relay_ended'))).toEqual([REPLACED]);
      await talks(machine, 'back in its place');
      expect(machine.told('relay_ended')).toHaveLength(1);
      expect(machine.told('provisioned')).toHaveLength(1);
    });

    it('removed, and an address of nobody: not allowed; readmitted, it is back without a new Provision', async () => {
      const machine = await inTunnel();
      await talks(machine, 'before');
      const { public_key } = await machine.state();
      const own = String(machine.told('provisioned')[0]?.['virtual_address']);
      machine.addRelay(own.replace(/[0-9a-f]+\]/, (last) => (last === '1]' ? '2]' : '1]')));
      await machine.heard('added_relay_ended');
      expect(statuses(machine.told('added_relay_ended'))).toEqual([NOT_ALLOWED]);
      expect(machine.told('relay_ended')).toEqual([]);

      await gateway.client.removeMachine(machine.uuid);
      await machine.heard('relay_ended');
      const ends = () => statuses(machine.told('stream_ended').filter(({ address }) => address === own));
      expect(ends()[0]).toEqual(NOT_ALLOWED);
      // Unanswered for 15 s, WireGuard begins anew; then the relay, which pauses for 5 s, is back long since.
      machine.log('to nobody');
      await gateway.client.readmitMachine(machine.uuid);
      await gateway.until('it is back', async () => {
        return ((await gateway.peers()).get(public_key)?.latestHandshake ?? 0) > 0;
      });
      expect(new Set(ends().map(String))).toEqual(new Set([String(NOT_ALLOWED)]));
      expect(await seen(machine.uuid)).toMatchObject({ boot: 1, public_key });
      expect(machine.told('provisioned')).toHaveLength(1);
    });
  });

  it('a daemon that is killed, and one that is stopped: back without a new Provision, with the same session', async () => {
    const began = performance.now();
    const [quiet, talking] = await Promise.all([inTunnel(), inTunnel()]);
    await Promise.all([talks(quiet, 'before'), talks(talking, 'before')]);
    const endpoint = await comesBy(quiet, 'tunnel');
    const was = await quiet.state();
    await gateway.end('SIGKILL');
    // This one meets a closed door: its relay pauses for 10 s then.
    for (const text of ['while', 'it', 'is', 'away']) talking.log(text);
    await gateway.start();
    await talks(quiet, 'after the kill');
    await quiet.event('after the kill');
    // The device has not noticed, nor has the machine's, unless this host was slow: WireGuard begins anew 15 s after the
    // first packet that was not answered, which may be older than the kill.
    expect(await comesBy(quiet, 'tunnel')).toBe(endpoint);
    const is = await quiet.state();
    if (performance.now() - began < 14_000) expect(is).toEqual(was);

    const ended = quiet.told('stream_ended').length;
    expect(await gateway.end('SIGTERM')).toBe(0);
    await quiet.heard('stream_ended', ended + 1);
    expect(statuses(quiet.told('stream_ended'))[ended]).toEqual(STOPPING);
    await gateway.start();
    await Promise.all([talks(quiet, 'after the stop'), talks(talking, 'after the stop')]);
    await talking.event('after the stop');
    for (const machine of [quiet, talking]) {
      expect(await seen(machine.uuid)).toMatchObject({ boot: 1 });
      expect(machine.told('provisioned')).toHaveLength(1);
      // Nobody was told to go, not even by the daemon that had just begun.
      expect(machine.told('relay_ended')).toEqual([]);
      // What went into dead connections is known to be lost.
      await gateway.until('every line is accounted for', async () => {
        return (await storedLines(gateway, machine.uuid)).unexplained.length === 0;
      });
      const events = await gateway.records({ machine: machine.uuid, filter: ['*.*.*.event.>'] });
      expect(events).not.toEqual([]);
    }
  }, 240_000);
});
