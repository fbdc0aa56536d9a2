import { chatter } from './boot/chatter.ts';
import { kernelDevices } from './boot/kernel-devices.ts';
import { kernelStart } from './boot/kernel-start.ts';
import { type HardwareModel, MODELS } from './boot/models.ts';
import { leaveMaintenance, runMaintenance, runNode } from './boot/talos-run.ts';
import { initialize } from './boot/talos-start.ts';
import { ScriptWriter } from './boot/writer.ts';
import type { BootScript } from './boot-script.ts';
import type { TalosProfile } from './profile.ts';
import { hashText, mixSeed, seededRandom } from './random.ts';

/** How a boot ends; `configured` is no boot, but how one goes on that ended in maintenance mode. */
export type BootEnd = 'running' | 'maintenance' | 'configured';

/** A real kernel's clock stands at zero until it can read its own. */
const LINES_AT_ZERO = 130;

/** The boot scripts, each made once and shared by all machines of its kind. */
export class BootScripts {
  readonly #scripts = new Map<string, BootScript>();

  /** The script of a machine: its seed chooses the hardware. */
  script(profile: TalosProfile, seed: number, end: BootEnd): BootScript {
    const model = MODELS[mixSeed(seed, 17) % MODELS.length] ?? MODELS[0];
    const key = `${model.name} ${profile.version} ${end}`;
    const known = this.#scripts.get(key);
    if (known !== undefined) return known;
    const made = write(profile, model, end, hashText(key));
    this.#scripts.set(key, made);
    return made;
  }
}

function write(profile: TalosProfile, model: HardwareModel, end: BootEnd, seed: number): BootScript {
  const writer = new ScriptWriter(seededRandom(seed));
  if (end !== 'configured') {
    const start = kernelStart(model);
    writer.kernel(start.slice(0, LINES_AT_ZERO), 0).kernel(start.slice(LINES_AT_ZERO), 120);
    writer.kernel(kernelDevices(model), model.virtual ? 1400 : 3200);
    initialize(writer, profile, model);
  }
  const networkReady = writer.clock;
  if (end === 'maintenance') runMaintenance(writer, profile);
  else if (end === 'configured') leaveMaintenance(writer, profile, model);
  else runNode(writer, profile, model);
  const { lines, events, apiReady } = writer;
  return { lines, events, networkReady, apiReady, chatter: chatter() };
}
