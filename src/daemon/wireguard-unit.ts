#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { type Config, loadConfig } from '../config/config.ts';
import { ERRORS, errorCode, errorMessage, SiderolinkError } from '../domain/errors.ts';
import { systemClock } from '../lib/clock.ts';
import { CommandRunner } from '../wireguard/runner.ts';

/**
 * What siderolinkd-wg.service runs: wireguard-go under systemd, in a unit of its own, with the interface of our
 * configuration. wireguard-go dies with its cgroup, so under the daemon's unit every restart would cut every link.
 *
 * `needed`: exit code 0 if wireguard-go is what the configuration and the kernel ask for, 1 if it is not.
 * `run`: becomes wireguard-go. `wait`: returns when the interface is there.
 */
const USAGE = 'usage: wireguard-unit needed|run|wait';

/** How long wireguard-go may take to make its interface: it takes some 20 ms. */
const INTERFACE_DEADLINE_MS = 10_000;
const INTERFACE_POLL_MS = 20;

/** Whether the kernel can make a WireGuard interface: the only sure way to know is to make one. */
async function kernelHasWireGuard(): Promise<boolean> {
  const runner = new CommandRunner();
  const probe = `wgprobe${process.pid % 1e7}`;
  try {
    await runner.run(['ip', 'link', 'add', 'dev', probe, 'type', 'wireguard']);
  } catch {
    return false;
  }
  await runner.run(['ip', 'link', 'delete', 'dev', probe]);
  return true;
}

async function isNeeded({ overlay }: Config): Promise<boolean> {
  if (overlay.backend === 'auto') return !(await kernelHasWireGuard());
  return overlay.backend === 'userspace';
}

/** Replaces this process, so that systemd watches wireguard-go itself. */
function become(command: string, args: readonly string[]): never {
  const path = (process.env['PATH'] ?? '/usr/bin').split(':').map((directory) => `${directory}/${command}`);
  const file = path.find((candidate) => existsSync(candidate));
  if (file === undefined || process.execve === undefined) {
    throw new SiderolinkError('command_failed', `${command} is not installed`);
  }
  // In the foreground; said this way, it does not fill the journal with a banner that the kernel could do its work.
  return process.execve(file, [command, ...args], { ...process.env, WG_PROCESS_FOREGROUND: '1' });
}

async function untilThere(name: string): Promise<void> {
  const deadline = systemClock.monotonic() + INTERFACE_DEADLINE_MS;
  // This timer is all that keeps the process: the injected clock's would not.
  const alive = setInterval(() => {}, INTERFACE_DEADLINE_MS);
  try {
    while (!existsSync(`/sys/class/net/${name}`)) {
      if (systemClock.monotonic() >= deadline) {
        throw new SiderolinkError('unavailable', `the interface ${name} did not appear`);
      }
      await systemClock.sleep(INTERFACE_POLL_MS);
    }
  } finally {
    clearInterval(alive);
  }
}

async function main(verb: string | undefined): Promise<number> {
  const config = loadConfig({ env: process.env });
  switch (verb) {
    case 'needed':
      return (await isNeeded(config)) ? 0 : 1;
    case 'run':
      return become('wireguard-go', [config.overlay.interface]);
    case 'wait':
      await untilThere(config.overlay.interface);
      return 0;
    default:
      throw new SiderolinkError('invalid_argument', USAGE);
  }
}

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  process.stderr.write(`siderolinkd-wg: ${errorMessage(error)}\n`);
  process.exitCode = ERRORS[errorCode(error)].exit;
}
