import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpuOf, cpuOfChildren, networkOf } from './host.ts';

/** A process, or several that are one to whoever asks what something costs. */
export interface Measured {
  /** CPU seconds used so far. */
  readonly cpu: () => number;
}

/** The daemon; the process that runs its commands, with those that have ended; wireguard-go. */
export function processesOf(daemon: number): readonly [daemon: Measured, commands: Measured, device: Measured] {
  const children = readFileSync(`/proc/${daemon}/task/${daemon}/children`, 'utf8').trim().split(' ').map(Number);
  const { stdout } = spawnSync('pgrep', ['-f', '^wireguard-go .*siderolink$'], { encoding: 'utf8' });
  const devices = stdout
    .split('\n')
    .filter((pid) => pid !== '')
    .map(Number)
    .filter((pid) => networkOf(pid) === networkOf('self'));
  const sum = (pids: readonly number[], of: (pid: number) => number) => pids.reduce((all, pid) => all + of(pid), 0);
  return [
    { cpu: () => cpuOf(daemon) },
    { cpu: () => sum(children, (pid) => cpuOf(pid) + cpuOfChildren(pid)) },
    { cpu: () => sum(devices, cpuOf) },
  ];
}
