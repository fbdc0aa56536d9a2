import type { Machine } from '../../src/client/api.ts';
import { META_UNIQUE_TOKEN } from '../../src/domain/token-write.ts';
import type { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';

/** The machines of the pages have these UUIDs. */
export const uuid = (number: number) => `71233efd-7a07-43f8-b6ba-00000000000${number}`;
export const token = (text: string) => new Map([[META_UNIQUE_TOKEN, text]]);

/** A machine that is on; resolves when it is settled. */
export async function running(gateway: Gateway, options: Parameters<typeof Guest.create>[1]): Promise<Guest> {
  const guest = await Guest.create(gateway, { quiet: false, ...options });
  await guest.machine.start();
  await settled(gateway, guest);
  return guest;
}

/** Resolves when the registry shows the boot's link and what all of it has told. */
export async function settled(gateway: Gateway, guest: Guest): Promise<Machine> {
  await guest.linked();
  const { publicKey } = await guest.state();
  return await shown(
    gateway,
    ({ public_key, ready, link }) => public_key === publicKey && ready === true && link.state === 'up',
  );
}

/** The machine of which this is shown. */
export async function shown(gateway: Gateway, is: (machine: Machine) => boolean): Promise<Machine> {
  let found: Machine | undefined;
  await gateway.until('a machine is shown as it should be', async () => {
    found = undefined;
    for await (const machine of gateway.client.machines()) if (is(machine)) found = machine;
    return found !== undefined;
  });
  if (found === undefined) throw new Error('no machine');
  return found;
}
