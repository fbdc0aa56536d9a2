import assert from 'node:assert/strict';
import type { Gateway } from './gateway.ts';
import type { Guest } from './guest.ts';
import { listenOn, sendFrom, tryAll } from './kernel-traffic.ts';

/** One machine, which came by UDP, does what it likes; the other has nothing of it, nor has the gateway. */
export async function isolates(gateway: Gateway, [hostile, victim]: readonly [Guest, Guest]): Promise<void> {
  const { overlay, sinks, wireguard } = await gateway.client.status();
  const own = await gateway.client.machine(hostile.uuid);
  const { address } = await gateway.client.machine(victim.uuid);
  const { linkInterface, name } = hostile.machine.namespace;
  const peer = ['wg', 'set', linkInterface, 'peer', wireguard.public_key];
  // An honest one has these for the server only.
  await hostile.inside(...peer, 'allowed-ips', overlay.prefix);
  await hostile.inside('ip', '-6', 'route', 'replace', overlay.prefix, 'dev', linkInterface);
  const sink = { host: overlay.server, port: sinks.kmsg_port };
  const others = [
    { host: overlay.server, port: 50_022 },
    { host: address, port: 50_000 },
  ];
  await listenOn(gateway.namespace, 50_022);
  await gateway.until('the gateway reaches both', async () => {
    return (await tryAll(gateway.namespace.name, others)).every((end) => end === 'open');
  });
  await gateway.until('the machine reaches the sink', async () => {
    const [allowed, ...forbidden] = await tryAll(name, [sink, ...others]);
    assert.deepEqual(forbidden, ['timeout', 'timeout']);
    return allowed === 'open';
  });
  // What it says in the other's name is dropped; what it says after that in its own arrives.
  await hostile.inside('ip', '-6', 'addr', 'add', `${address}/128`, 'dev', 'lo', 'nodad');
  await gateway.until('what it says in its own name is stored', async () => {
    await sendFrom(name, sink, [
      { from: address, message: 'in the name of another' },
      { from: own.address, message: 'in its own name' },
    ]);
    return (await gateway.records({ grep: 'in its own name' })).length > 0;
  });
  assert.deepEqual(await gateway.records({ grep: 'in the name of another' }), []);
  await hostile.inside('ip', '-6', 'addr', 'del', `${address}/128`, 'dev', 'lo');
  await hostile.inside(...peer, 'allowed-ips', `${overlay.server}/128`);
}
