import type { Facility, KernelRecord, Priority } from './kmsg-line.ts';
import type { EventBody } from './machine-events.ts';
import { between, hex, mixSeed, type Random, seededRandom } from './random.ts';

/** A line of a boot before its numbers are filled in. */
export interface ScriptLine {
  /** Microseconds since boot, before the machine's own pace. */
  readonly clock: number;
  readonly facility: Facility;
  readonly priority: Priority;
  /** Text with `{…}` places, see `fillTemplate`. */
  readonly template: string;
}

export interface ScriptEvent {
  readonly clock: number;
  readonly event: (facts: MachineFacts) => EventBody;
}

/** One kind of boot: shared by all machines of the same hardware model, release and role. */
export interface BootScript {
  /** In order of `clock`. */
  readonly lines: readonly ScriptLine[];
  readonly events: readonly ScriptEvent[];
  /** When the machine has an address (Talos' AddressReady), in microseconds. */
  readonly networkReady: number;
  /** From when on the Talos API answers, where the link is up; in microseconds. */
  readonly apiReady: number;
  /** Lines of a machine that has booted, to choose from. */
  readonly chatter: readonly [ScriptLine, ...ScriptLine[]];
}

/** What a machine puts into its lines and events. */
export interface MachineFacts {
  readonly seed: number;
  readonly boot: number;
  readonly uuid: string;
  readonly hostname: string;
  readonly commandLine: string;
  readonly kernel: string;
  readonly tag: string;
  /** Own addresses without the overlay's; the first is the main one. */
  readonly addresses: readonly string[];
}

const PLACE = /\{([a-z]+)(?::([^}]*))?\}/g;

/**
 * Fills a template: `{n:10-99}` a number, `{x:8}` hexadecimal digits, `{ms}` a Go duration, `{pid}`, `{mac:2}` the
 * machine's second MAC address, `{pick:a|b|c}` one of them, `{serial:7}` letters and digits that stay the machine's,
 * and `{uuid}`, `{host}`, `{cmdline}`, `{kernel}`, `{tag}`, `{ip}`.
 * The same random source gives the same text; unknown places stay as they are.
 */
export function fillTemplate(template: string, facts: MachineFacts, random: Random): string {
  if (!template.includes('{')) return template;
  return template.replace(PLACE, (whole, name: string, argument: string | undefined) => {
    switch (name) {
      case 'n': {
        const [low = 0, high = 0] = (argument ?? '').split('-').map(Number);
        return String(between(random, low, high));
      }
      case 'x':
        return hex(random, Number(argument));
      case 'ms':
        return goDuration(random);
      case 'pid':
        return String(between(random, 700, 4200));
      case 'mac':
        return macAddress(facts.seed, Number(argument));
      case 'serial':
        return stableText(facts.seed, Number(argument));
      case 'pick': {
        const choices = (argument ?? '').split('|');
        return choices[between(random, 0, choices.length - 1)] ?? '';
      }
      case 'uuid':
        return facts.uuid;
      case 'host':
        return facts.hostname;
      case 'cmdline':
        return facts.commandLine;
      case 'kernel':
        return facts.kernel;
      case 'tag':
        return facts.tag;
      case 'ip':
        return facts.addresses[0] ?? '10.5.0.2';
      default:
        return whole;
    }
  });
}

/** The record of a script's line for one boot of one machine: any line, any time, always the same. */
export function renderLine(line: ScriptLine, index: number, facts: MachineFacts): KernelRecord {
  const random = seededRandom(mixSeed(mixSeed(facts.seed, facts.boot), index));
  return {
    clock: lineClock(line, index, facts),
    facility: line.facility,
    priority: line.priority,
    msg: fillTemplate(line.template, facts, random),
  };
}

/** When the line comes, in microseconds: the machine's own pace, never before the line ahead of it. */
export function lineClock(line: ScriptLine, index: number, facts: MachineFacts): number {
  if (line.clock === 0) return 0;
  return Math.floor(line.clock * paceOf(facts)) + index;
}

/** How much slower than the script this boot is: 0.8 to 1.5. */
export function paceOf(facts: MachineFacts): number {
  return 0.8 + (mixSeed(facts.seed, facts.boot * 7919) / 2 ** 32) * 0.7;
}

function goDuration(random: Random): string {
  const kind = random();
  if (kind < 0.15) return `${between(random, 80, 999)}.${between(random, 100, 999)}µs`;
  if (kind < 0.8) return `${between(random, 1, 900)}.${between(random, 100001, 999999)}ms`;
  return `${between(random, 1, 9)}.${between(random, 100000001, 999999999)}s`;
}

function macAddress(seed: number, index: number): string {
  const random = seededRandom(mixSeed(seed, 1000));
  const digits = hex(random, 6);
  const last = (between(random, 0, 0x7fff00) + index).toString(16).padStart(6, '0');
  return `${pickVendor(seed)}:${[digits.slice(0, 2), last.slice(2, 4), last.slice(4, 6)].join(':')}`;
}

const VENDORS = ['3c:ec:ef', '52:54:00', 'b4:96:91', 'a0:36:9f', '0c:c4:7a', 'd4:5d:64'] as const;

function pickVendor(seed: number): string {
  return VENDORS[seed % VENDORS.length] ?? VENDORS[0];
}

function stableText(seed: number, length: number): string {
  const random = seededRandom(mixSeed(seed, 2000 + length));
  let text = '';
  for (let i = 0; i < length; i++) text += '0123456789ABCDEFGHJKLMNPRSTUVWXYZ'.charAt(between(random, 0, 32));
  return text;
}
