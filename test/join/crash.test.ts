import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { parseNodeUuid } from '../../src/domain/uuid.ts';
import { newKey } from '../fleet/fakes.ts';
import { type Call, closeGateways, Gateway } from './gateway.ts';

// The process ends between any two steps of a join or a change, and starts again on what it had stored.

afterEach(closeGateways);

const JUNK = '00000000-0000-0000-0000-000000000000';
const DAY = 86_400_000;

interface Step {
  readonly once?: true;
  readonly run: () => Promise<unknown>;
}

/** Two machines with one UUID and one with none, from their first boot on; what they hold is theirs over a crash. */
class Story {
  gateway: Gateway;
  readonly secret: string;
  /** What each machine was ever told, in order. */
  readonly told = new Map<string, string[]>();
  readonly #calls = new Map<string, { uuid: string; key: string; uniqueToken: string }>();
  readonly #shared = randomUUID();

  constructor(gateway: Gateway, secret: string) {
    this.gateway = gateway;
    this.secret = secret;
    this.#calls.set('first', { uuid: this.#shared, key: newKey(), uniqueToken: '' });
    this.#calls.set('twin', { uuid: this.#shared, key: newKey(), uniqueToken: '' });
    this.#calls.set('nameless', { uuid: JUNK, key: newKey(), uniqueToken: 'from its configuration' });
  }

  /** Each step commits at most once. What machines do to themselves happens once, whoever crashes; all else is asked again. */
  readonly steps: readonly Step[] = [
    { run: () => this.call('first') },
    { run: () => this.call('twin') },
    { run: () => this.call('nameless') },
    { run: () => this.write('first') },
    { run: () => this.call('first') },
    { run: () => this.write('twin') },
    { run: () => this.call('twin') },
    { once: true, run: () => this.reboot('first', { keepsMeta: true }) },
    { run: () => this.call('first') },
    { once: true, run: () => this.learnAndReboot('twin') },
    { run: () => this.call('twin') },
    { run: () => this.gateway.fleet.admin.claim(this.uuidOf('twin'), { owner: 'acme' }, 'test', undefined) },
    { run: () => this.silence('nameless') },
    { run: () => this.call('nameless') },
    { run: () => this.gateway.fleet.admin.accept(this.uuidOf('nameless'), 'test') },
    { once: true, run: () => this.reboot('nameless', { keepsMeta: false }) },
    { run: () => this.call('nameless') },
    { run: () => this.gateway.fleet.admin.remove(this.uuidOf('twin'), { records: false }, 'test') },
    { run: () => this.gateway.fleet.admin.readmit(this.uuidOf('twin'), 'test') },
    { run: () => this.call('twin') },
  ];

  async call(name: string): Promise<void> {
    const call: Call = { ...this.#of(name), joinToken: this.secret };
    const { address } = await this.gateway.provision(call);
    this.told.set(name, [...(this.told.get(name) ?? []), address]);
    this.gateway.linked(call.key ?? '');
  }

  /** The value is lost with the crash; that it was offered is not. */
  async write(name: string): Promise<void> {
    this.#of(name).uniqueToken = await this.gateway.fleet.joins.offerUniqueToken(
      this.gateway.at(this.addressOf(name)).id,
    );
  }

  async reboot(name: string, { keepsMeta }: { keepsMeta: boolean }): Promise<void> {
    const call = this.#of(name);
    this.gateway.links.alive.delete(call.key as never);
    call.key = newKey();
    if (!keepsMeta) call.uniqueToken = '';
  }

  async learnAndReboot(name: string): Promise<void> {
    this.#of(name).uuid = this.uuidOf(name);
    await this.reboot(name, { keepsMeta: true });
  }

  async silence(name: string): Promise<void> {
    this.gateway.links.alive.delete(this.#of(name).key as never);
    this.gateway.clock.advance(DAY);
    await this.gateway.keeper.look();
  }

  addressOf(name: string): string {
    return this.told.get(name)?.[0] ?? '';
  }

  uuidOf(name: string) {
    return parseNodeUuid(this.gateway.at(this.addressOf(name)).uuid);
  }

  /** What came of it, without what is random. */
  outcome() {
    const { fleet } = this.gateway;
    return {
      machines: [...fleet.machines.all()].map(({ state, boot, uniqueToken, knowsUuid, madeFor, tags }) => {
        return { state, boot, uniqueToken, knowsUuid, isMadeForJunk: madeFor === JUNK, ownership: tags.ownership };
      }),
      uses: fleet.tokens.list().map(({ uses }) => uses),
      addresses: [...this.told].map(([name, told]) => [name, new Set(told).size]),
    };
  }

  #of(name: string) {
    const call = this.#calls.get(name);
    if (call === undefined) throw new Error(`no machine ${name}`);
    return call;
  }
}

async function begin(): Promise<Story> {
  const gateway = await Gateway.start({ policy: { requireToken: true } });
  const { secret } = await gateway.fleet.tokens.create({ name: 'a' }, 'test');
  return new Story(gateway, secret);
}

const CRASHES = ['before its commit', 'after its commit, before the device', 'before its reply'] as const;

describe('a crash', () => {
  it.each(CRASHES)('%s leaves the same as none, whichever step it meets', async (crash) => {
    const calm = await begin();
    for (const { run } of calm.steps) await run();
    const expected = calm.outcome();
    expect(expected).toMatchObject({
      machines: [
        { state: 'accepted', boot: 2, uniqueToken: 'proven' },
        { state: 'accepted', boot: 2, uniqueToken: 'proven', knowsUuid: true, ownership: { owner: 'acme' } },
        { state: 'accepted', boot: 1, isMadeForJunk: true },
        // It lost what told it from others with its junk UUID.
        { state: 'provisional', boot: 1, isMadeForJunk: true },
      ],
      uses: [4],
      addresses: [
        ['first', 1],
        ['twin', 1],
        ['nameless', 2],
      ],
    });
    for (let met = 0; met < calm.steps.length; met += 1) {
      const story = await begin();
      for (const [index, { once, run }] of story.steps.entries()) {
        if (index === met) {
          const { log, device } = story.gateway;
          if (crash === 'before its commit') log.failures = 1;
          if (crash === 'after its commit, before the device') device.failures = 1;
          await Promise.allSettled([run()]);
          [log.failures, device.failures] = [0, 0];
          story.gateway = await story.gateway.restart();
          story.gateway.device.repair(story.gateway.fleet.machines.peers());
          if (once === true) continue;
        }
        await run();
      }
      expect(story.outcome(), `the crash met step ${met}`).toEqual(expected);
      const { device, fleet } = story.gateway;
      const wanted = fleet.machines.peers().map(({ publicKey, address }) => [publicKey, address] as const);
      expect(new Map(device.peers)).toEqual(new Map(wanted));
      await closeGateways();
    }
  });
});
