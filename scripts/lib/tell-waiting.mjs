// Says on the terminal which simulated machines wait to join, why, and for how long at most; silent where none does.
// Arguments: the control socket, and how many machines there are. Ends when so many have joined, or after some minutes.
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlClient } from '../../dist/client/client.js';
import { systemClock } from '../../dist/lib/clock.js';

const [socket, count] = process.argv.slice(2);
/** Each look is a list of all. */
const LOOK_MS = Number(count) > 50 ? 2_000 : 500;
const GIVE_UP_MS = 240_000;

const REASONS = {
  asked: 'its boot before is asked whether it still runs',
  made_anew: 'its boot before may still run and not know yet that this gateway was started anew',
};

const startedAt = Date.now();
const client = new ControlClient({ target: { socket }, timeoutMs: 5_000 }, { clock: systemClock });
const told = new Set();

/** How many have joined since we look. */
async function look() {
  let joined = 0;
  for await (const { server_uuid, join_wait, joined_at } of client.machines()) {
    if (joined_at !== null && Date.parse(joined_at) >= startedAt) joined += 1;
    if (join_wait === null || told.has(`${server_uuid} ${join_wait.reason}`)) continue;
    told.add(`${server_uuid} ${join_wait.reason}`);
    const seconds = Math.max(1, Math.ceil((Date.parse(join_wait.until) - Date.now()) / 1000));
    process.stdout.write(
      `    ${server_uuid.slice(0, 8)} waits to join, ${seconds} s at most: ${REASONS[join_wait.reason]}\n`,
    );
  }
  return joined;
}

while (Date.now() - startedAt < GIVE_UP_MS) {
  try {
    if ((await look()) >= Number(count)) break;
  } catch {
    // Whoever starts and ends the daemon sees to it.
  }
  await sleep(LOOK_MS);
}
