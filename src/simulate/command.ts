import { Command } from 'commander';
import { SiderolinkError } from '../domain/errors.ts';
import { systemClock } from '../lib/clock.ts';
import { addSimulateOptions } from './command-options.ts';

const HELP = `
Machines of the transport "namespace" have a network namespace, a process and a WireGuard interface each; this needs
root, wireguard-tools, iproute2 and wireguard-go or the kernel's WireGuard. They reach any address of this host.
Machines of the transport "direct" bind the overlay addresses that they are given, which must be local here:
  ip -6 route add local PREFIX dev lo; sysctl net.ipv6.ip_nonlocal_bind=1
A token in --api or --kernel-args can be read by every user of this host; --join-token-file and --kernel-args-file keep
it out of sight.`;

/** `siderolinkd simulate`: runs until its duration is over or a signal comes, and leaves nothing behind. */
export function simulateCommand(): Command {
  const command = new Command('simulate')
    .description('run simulated Talos machines that join, boot, log and reboot like real ones')
    .addHelpText('after', HELP);
  return addSimulateOptions(command).action(async () => {
    // A half of the program, which no other command needs.
    const [{ readSimulateOptions }, { Progress }, { Simulation }] = await Promise.all([
      import('./options.ts'),
      import('./progress.ts'),
      import('./simulation.ts'),
    ]);
    const options = readSimulateOptions(command);
    const write = (text: string) => process.stdout.write(text);
    const progress = new Progress(options, { write, now: Date.now });
    const stop = new AbortController();
    let signals = 0;
    const onSignal = () => {
      signals += 1;
      // A second signal does not wait: the machines' processes clean up when this one has gone.
      if (signals > 1) process.exit(130);
      stop.abort();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
    // Timers of the clock do not keep a process alive.
    const alive = setInterval(() => {}, 60_000);
    try {
      const { crashed } = await new Simulation(options, { progress, clock: systemClock }).run(stop.signal);
      if (crashed > 0) throw new SiderolinkError('internal', `${crashed} simulated machines crashed`);
    } finally {
      clearInterval(alive);
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
    }
  });
}
