import { fillTemplate, type MachineFacts } from '../src/simulate/boot-script.ts';
import { BootScripts } from '../src/simulate/boot-scripts.ts';
import { formatKernelLine } from '../src/simulate/kmsg-line.ts';
import { talosProfile } from '../src/simulate/profile.ts';
import { seededRandom } from '../src/simulate/random.ts';

const BOOTED_AT = { seconds: 1_767_323_045, nanos: 325_869_800 };

/**
 * `count` kernel lines of one machine, each ended by a line feed, numbered from 0: a whole boot's lines over and over,
 * with own numbers each time.
 */
export function kernelLines(count: number, seed: number): Buffer {
  const script = new BootScripts().script(talosProfile('1.13'), seed, 'running');
  const random = seededRandom(seed + 1);
  const facts: MachineFacts = {
    seed,
    boot: 1,
    uuid: '71233efd-7a07-43f8-b6ba-da90fae0e88b',
    hostname: `talos-${seed}`,
    commandLine: 'console=ttyS0 talos.platform=metal',
    kernel: '6.12.30-talos',
    tag: 'v1.13.0',
    addresses: ['10.5.0.2'],
  };
  const { length } = script.lines;
  const round = (script.lines.at(-1)?.clock ?? 0) + 1_000_000;
  const out: string[] = [];
  for (let seq = 0; seq < count; seq++) {
    const line = script.lines[seq % length];
    if (line === undefined) throw new Error('a boot without lines');
    const clock = Math.floor(seq / length) * round + line.clock;
    const record = { ...line, clock, msg: `${fillTemplate(line.template, facts, random)}\n` };
    out.push(`${formatKernelLine(record, seq, BOOTED_AT)}\n`);
  }
  return Buffer.from(out.join(''));
}
