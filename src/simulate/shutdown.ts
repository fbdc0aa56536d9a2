import {
  type EventBody,
  type MachineStage,
  phaseEvent,
  restartEvent,
  sequenceEvent,
  serviceEvent,
  statusEvent,
  taskEvent,
} from './machine-events.ts';
import type { TalosProfile } from './profile.ts';

const STAGES: Readonly<Record<string, MachineStage>> = {
  reboot: 'REBOOTING',
  shutdown: 'SHUTTING_DOWN',
  reset: 'RESETTING',
  upgrade: 'UPGRADING',
  install: 'INSTALLING',
};

const PHASES: Readonly<Record<string, readonly (readonly [phase: string, task: string])[]>> = {
  reboot: [
    ['cleanup', 'stopAllPods'],
    ['stopServices', 'stopServicesEphemeral'],
    ['umount', 'unmountPodMounts'],
    ['stopEverything', 'stopAllServices'],
    ['reboot', 'reboot'],
  ],
  shutdown: [
    ['storeShutdown', 'storeShutdownEmergency'],
    ['drain', 'cordonAndDrainNode'],
    ['cleanup', 'stopAllPods'],
    ['stopEverything', 'stopAllServices'],
    ['shutdown', 'shutdown'],
  ],
  reset: [
    ['drain', 'cordonAndDrainNode'],
    ['leave', 'leaveEtcd'],
    ['cleanup', 'removeAllPods'],
    ['reset', 'resetSystemDisk'],
    ['reboot', 'reboot'],
  ],
  upgrade: [
    ['drain', 'cordonAndDrainNode'],
    ['cleanup', 'removeAllPods'],
    ['upgrade', 'upgrade'],
    ['stopEverything', 'stopAllServices'],
    ['kexec', 'reboot'],
  ],
  install: [
    ['validateConfig', 'validateConfig'],
    ['saveConfig', 'saveConfig'],
    ['install', 'install'],
    ['meta', 'flushMeta'],
    ['kexec', 'reboot'],
  ],
};

const SERVICES = ['kubelet', 'etcd', 'trustd', 'cri', 'apid', 'udevd', 'containerd'] as const;

/** What a machine tells before it goes, in the order in which Talos tells it; `cmd` is the argument of reboot(2). */
export function shutdownEvents(profile: TalosProfile, sequence: string, cmd: number): EventBody[] {
  const events = [sequenceEvent(sequence, 'START')];
  if (profile.machineStatusEvents) {
    events.push(statusEvent(STAGES[sequence] ?? 'REBOOTING', [['services', 'apid not healthy']]));
  }
  for (const [phase, task] of PHASES[sequence] ?? []) {
    events.push(phaseEvent(phase, 'START'), taskEvent(task, 'START'));
    if (task === 'stopAllServices' || task === 'reboot') {
      for (const service of SERVICES) {
        if (task === 'stopAllServices') events.push(serviceEvent(service, 'STOPPING', `Sending SIGTERM to ${service}`));
      }
    }
    if (task === 'stopAllServices') {
      for (const service of SERVICES) {
        events.push(serviceEvent(service, 'FINISHED', 'Service finished successfully', false));
      }
    }
    // The last task never comes back: the machine is gone before.
    if (task !== 'reboot' && task !== 'shutdown') events.push(taskEvent(task, 'STOP'), phaseEvent(phase, 'STOP'));
  }
  if (sequence === 'install') {
    events.push(sequenceEvent(sequence, 'NOOP', `sequence failed: unix.Reboot(${cmd.toString(16)})`));
  }
  events.push(restartEvent(cmd));
  return events;
}

/** The kernel lines that go with it. */
export function shutdownLines(sequence: string): string[] {
  const phases = PHASES[sequence] ?? [];
  const lines = [`[talos] ${sequence} sequence: ${phases.length} phase(s)\n`];
  phases.forEach(([phase, task], index) => {
    const place = `(${index + 1}/${phases.length})`;
    lines.push(`[talos] phase ${phase} ${place}: 1 tasks(s)\n`, `[talos] task ${task} (1/1): starting\n`);
    if (task === 'stopAllServices') {
      for (const service of SERVICES)
        lines.push(`[talos] service[${service}](Stopping): Sending SIGTERM to ${service}\n`);
    }
  });
  return lines;
}
