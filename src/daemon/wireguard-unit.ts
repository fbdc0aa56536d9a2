#!/usr/bin/env node
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { type Config, loadConfig } from '../config/config.ts';
import { ERRORS, errorCode, errorMessage, SiderolinkError } from '../domain/errors.ts';
import { systemClock } from '../lib/clock.ts';
import { CommandRunner } from '../wireguard/runner.ts';

/**
 * What siderolinkd-wg.service runs: wireguard-go under systemd, in a unit of its own, with the interface of our
 * configuration. wireguard-go dies with its cgroup, so under the daemon's unit every restart would cut every link.
 *
 * `needed`: exit code 0 if wireguard-go is what the configuration and the kernel ask for, 1 if it is not.
 * `run`: becomes wireguard-go. `wait`: returns when that answers, whose process id is in MAINPID.
 */
const USAGE = 'usage: wireguard-unit needed|run|wait';

/** Where wireguard-go listens; not to be set. */
const WIREGUARD_SOCKETS = '/run/wireguard';
/** It takes some 20 ms to make its interface, and listens after that. */
const ANSWER_POLL_MS = 20;

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

/**
 * How long that may take is up to the unit (TimeoutStartSec): on a host that is busy starting everything, no time that we
 * could name here is right, and giving up would end a wireguard-go that was about to be there.
 *
 * @throws SiderolinkError `unavailable` if wireguard-go ended
 */
async function untilItAnswers(name: string, pid: number | undefined): Promise<void> {
  // This timer is all that keeps the process: the injected clock's would not.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    while (!(await answers(`${WIREGUARD_SOCKETS}/${name}.sock`))) {
      if (pid !== undefined && !runs(pid)) throw new SiderolinkError('unavailable', 'wireguard-go ended');
      await systemClock.sleep(ANSWER_POLL_MS);
    }
  } finally {
    clearInterval(alive);
  }
}

/** Whether somebody listens there: the file alone is also what a wireguard-go leaves that was killed. */
async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** As systemd tells those that it starts after the main process (systemd.exec(5)). */
function mainPid(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}

async function main(verb: string | undefined): Promise<number> {
  const config = loadConfig({ env: process.env });
  switch (verb) {
    case 'needed':
      return (await isNeeded(config)) ? 0 : 1;
    case 'run':
      return become('wireguard-go', [config.overlay.interface]);
    case 'wait':
      await untilItAnswers(config.overlay.interface, mainPid(process.env['MAINPID']));
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
