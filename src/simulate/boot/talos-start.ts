import { phaseEvent, sequenceEvent, serviceEvent, statusEvent, taskEvent } from '../machine-events.ts';
import type { TalosProfile } from '../profile.ts';
import { text } from './kernel-start.ts';
import type { HardwareModel } from './models.ts';
import type { ScriptWriter } from './writer.ts';

type Phase = readonly [phase: string, ...tasks: string[]];

const INITIALIZE: readonly Phase[] = [
  ['systemRequirements', 'initVolumeLifecycle', 'enforceKSPPRequirements', 'setupSystemDirectory'],
  ['etc', 'createSystemCgroups', 'createOSReleaseFile', 'setUserEnvVars'],
  ['machined', 'startMachined', 'startContainerd'],
  ['udevd', 'startUdevd'],
  ['integrity', 'writeIMAPolicy'],
  ['meta', 'reloadMeta'],
  ['dashboard', 'startDashboard'],
  ['config', 'loadConfig'],
];

const BOOT: readonly Phase[] = [
  ['saveStateEncryptionConfig', 'saveStateEncryptionConfig'],
  ['mountState', 'mountStatePartition'],
  ['saveConfig', 'saveConfig'],
  ['memorySizeCheck', 'memorySizeCheck'],
  ['diskSizeCheck', 'diskSizeCheck'],
  ['env', 'setUserEnvVars'],
  ['ephemeral', 'mountEphemeralPartition'],
  ['var', 'setupVarDirectory'],
  ['userSetup', 'writeUserFiles'],
  ['lvm', 'activateLogicalVolumes'],
  ['extendPCRStartAll', 'extendPCRStartAll'],
  ['startEverything', 'startAllServices'],
];

/** User space up to the point where the machine has an address. */
export function initialize(writer: ScriptWriter, profile: TalosProfile, model: HardwareModel): void {
  writer.wait(180).kernel(text(INIT), 400);
  for (const line of text(EARLY)) writer.talos(line);
  writer.event(() => sequenceEvent('initialize', 'START'));
  if (profile.machineStatusEvents) {
    writer.event(() =>
      statusEvent('BOOTING', [
        ['time', 'time is not synced'],
        ['services', 'machined not healthy'],
      ]),
    );
  }
  writer.talos(`initialize sequence: ${INITIALIZE.length} phase(s)`);
  runPhases(writer, INITIALIZE, (task) => inPhase(writer, profile, model, task));
  writer.talos('initialize sequence: done: {ms}').event(() => sequenceEvent('initialize', 'STOP'));
  networkComesUp(writer, model);
}

/** The boot sequence of a configured machine, up to and with `startAllServices`. */
export function bootSequence(writer: ScriptWriter, inside: (task: string) => void): void {
  writer.talos(`boot sequence: ${BOOT.length} phase(s)`).event(() => sequenceEvent('boot', 'START'));
  runPhases(writer, BOOT, inside);
  writer.talos('boot sequence: done: {ms}').event(() => sequenceEvent('boot', 'STOP'));
}

function runPhases(writer: ScriptWriter, phases: readonly Phase[], inside: (task: string) => void): void {
  phases.forEach(([phase, ...tasks], index) => {
    const place = `(${index + 1}/${phases.length})`;
    writer.talos(`phase ${phase} ${place}: ${tasks.length} tasks(s)`).event(() => phaseEvent(phase, 'START'));
    tasks.forEach((task, number) => {
      writer.talos(`task ${task} (${number + 1}/${tasks.length}): starting`).event(() => taskEvent(task, 'START'));
      inside(task);
      writer.wait(12);
      writer.talos(`task ${task} (${number + 1}/${tasks.length}): done, {ms}`).event(() => taskEvent(task, 'STOP'));
    });
    writer.talos(`phase ${phase} ${place}: done, {ms}`).event(() => phaseEvent(phase, 'STOP'));
  });
}

function inPhase(writer: ScriptWriter, profile: TalosProfile, model: HardwareModel, task: string): void {
  switch (task) {
    case 'enforceKSPPRequirements':
      for (const line of text(SYSCTLS)) writer.talos(line);
      break;
    case 'startMachined':
      startService(writer, profile, 'machined', 'goroutine');
      break;
    case 'startContainerd':
      startService(writer, profile, 'containerd', 'process');
      break;
    case 'startUdevd':
      startService(writer, profile, 'udevd', 'process');
      writer.kernel(text(UDEV), 350);
      break;
    case 'reloadMeta':
      writer.talos(
        `META: ${model.disks[0]?.name ?? 'sda'} {"component": "controller-runtime", "controller": "block.VolumeManagerController", "volume": "META", "phase": "{pick:waiting -> ready|waiting -> missing}"}`,
      );
      break;
    case 'startDashboard':
      startService(writer, profile, 'dashboard', 'process');
      break;
    case 'loadConfig':
      writer.talos(
        'downloading config {"component": "controller-runtime", "controller": "config.AcquireController", "platform": "metal"}',
      );
      break;
    default:
      break;
  }
}

/** The states of a service that starts, as lines and events. */
export function startService(
  writer: ScriptWriter,
  profile: TalosProfile,
  service: string,
  runner: 'goroutine' | 'process' | 'container',
): void {
  const running = {
    goroutine: 'Service started as goroutine',
    process: `Process Process(["/bin/${service}"]) started with PID {pid}`,
    container: `Started task ${service} (PID {pid}) for container ${service}`,
  }[runner];
  writer.talos(`service[${service}](Preparing): Running pre state`);
  writer.event(() => serviceEvent(service, 'PREPARING', 'Running pre state'));
  writer.talos(`service[${service}](Preparing): Creating service runner`);
  writer.event(() => serviceEvent(service, 'PREPARING', 'Creating service runner'));
  if (profile.serviceStarting) {
    writer.talos(`service[${service}](Starting): Starting service`);
    writer.event(() => serviceEvent(service, 'STARTING', 'Starting service'));
  }
  writer.wait(90).talos(`service[${service}](Running): ${running}`);
  writer.event((facts) =>
    serviceEvent(service, 'RUNNING', running.replace('{pid}', String(900 + (facts.seed % 3000)))),
  );
}

/** The line and event of a health check that passed. */
export function serviceHealthy(writer: ScriptWriter, service: string): void {
  writer.talos(`service[${service}](Running): Health check successful`);
  writer.event(() => serviceEvent(service, 'RUNNING', 'Health check successful', true));
}

function networkComesUp(writer: ScriptWriter, model: HardwareModel): void {
  const component = '"component": "controller-runtime"';
  for (const [index, nic] of model.nics.entries()) {
    writer.kernel(
      [
        `6 ${nic.driver} 0000:${nic.pci} ${nic.name}: NIC Link is Up ${nic.speed} Full Duplex, Flow Control: {pick:RX/TX|None|RX}\n SUBSYSTEM=net\n DEVICE=n${index + 2}`,
        `6 IPv6: ADDRCONF(NETDEV_CHANGE): ${nic.name}: link becomes ready`,
      ],
      40,
    );
  }
  const [nic] = model.nics;
  const link = nic?.name ?? 'eth0';
  writer
    .talos(
      `DHCP lease acquired {${component}, "controller": "network.OperatorSpecController", "operator": "dhcp4", "link": "${link}"}`,
    )
    .wait(700)
    .talos(
      `assigned address {${component}, "controller": "network.AddressSpecController", "address": "{ip}/24", "link": "${link}"}`,
    )
    .talos(
      `created route {${component}, "controller": "network.RouteSpecController", "destination": "default", "gateway": "10.5.0.1", "table": "main", "link": "${link}", "priority": 1024, "family": "inet4"}`,
    )
    .talos(
      `created route {${component}, "controller": "network.RouteSpecController", "destination": "fe80::/64", "gateway": "", "table": "main", "link": "${link}", "priority": 256, "family": "inet6"}`,
    )
    .talos(
      `setting resolvers {${component}, "controller": "network.ResolverSpecController", "resolvers": ["10.5.0.{n:1-9}", "1.1.1.1"], "searchDomains": []}`,
    )
    .talos(
      `setting time servers {${component}, "controller": "network.TimeServerSpecController", "addresses": ["time.cloudflare.com"]}`,
    )
    .talos(
      `setting hostname {${component}, "controller": "network.HostnameSpecController", "hostname": "{host}", "domainname": ""}`,
    );
}

const INIT = `
6 loop0: detected capacity change from 0 to {n:100000-190000}
5 audit: type=1400 audit(17{n:60000000-99999999}.{n:100-999}:2): apparmor="STATUS" operation="profile_load" profile="unconfined" name="cri-containerd.apparmor.d" pid={pid} comm="apparmor_parser"
6 random: {pick:dd|init|machined}: uninitialized urandom read ({n:16-512} bytes read)
6 overlayfs: "xino" feature enabled using {n:2-3} upper inode bits.
6 EXT4-fs (loop1): mounted filesystem {x:8}-{x:4}-4{x:3}-a{x:3}-{x:12} ro without journal. Quota mode: none.
5 tpm tpm0: [Hardware Error]: Adjusting reported timeouts: A 750->750000us B 2000->2000000us C 200->200000us D 30->30000us
4 process '/usr/bin/init' started with executable stack
6 cryptd: max_cpu_qlen set to 1000
6 AVX{pick:|2|512} version of gcm_enc/dec engaged.
6 AES CTR mode by8 optimization enabled
6 zram: Added device: zram0
`;

const EARLY = `
[initramfs] booting Talos {tag}
[initramfs] mounting the rootfs
[initramfs] bind mounting {n:1-4} system extension layers
[initramfs] enabling system extension {pick:intel-ucode|amd-ucode} {n:20240531-20251111}
[initramfs] enabling system extension {pick:iscsi-tools v0.2.0|util-linux-tools 2.41.1|qemu-guest-agent 10.0.2|zfs 2.3.3}
[initramfs] entering the rootfs
[initramfs] moving mounts to the new rootfs
[initramfs] changing working directory into /root
[initramfs] moving /root to /
[initramfs] changing root directory
[initramfs] cleaning up initramfs
[initramfs] executing /sbin/init
failed to load IMA policy: {pick:no such file or directory|operation not permitted}
KSPP kernel parameter init_on_alloc is set to 1
`;

const SYSCTLS = `
setting sysctl {"component": "controller-runtime", "controller": "runtime.KernelParamSpecController", "key": "net.ipv4.ip_forward", "value": "1"}
setting sysctl {"component": "controller-runtime", "controller": "runtime.KernelParamSpecController", "key": "net.ipv6.conf.default.forwarding", "value": "1"}
setting sysctl {"component": "controller-runtime", "controller": "runtime.KernelParamSpecController", "key": "kernel.panic", "value": "10"}
setting sysctl {"component": "controller-runtime", "controller": "runtime.KernelParamSpecController", "key": "kernel.pid_max", "value": "262144"}
setting sysctl {"component": "controller-runtime", "controller": "runtime.KernelParamSpecController", "key": "vm.overcommit_memory", "value": "1"}
setting sysctl {"component": "controller-runtime", "controller": "runtime.KernelParamSpecController", "key": "kernel.kptr_restrict", "value": "2"}
setting sysctl {"component": "controller-runtime", "controller": "runtime.KernelParamSpecController", "key": "kernel.dmesg_restrict", "value": "1"}
setting sysctl {"component": "controller-runtime", "controller": "runtime.KernelParamSpecController", "key": "net.core.bpf_jit_harden", "value": "1"}
setting sysctl {"component": "controller-runtime", "controller": "runtime.KernelParamSpecController", "key": "kernel.yama.ptrace_scope", "value": "3"}
setting sysctl {"component": "controller-runtime", "controller": "runtime.KernelParamSpecController", "key": "user.max_user_namespaces", "value": "{pick:0|11255}"}
`;

const UDEV = `
6 input: PC Speaker as /devices/platform/pcspkr/input/input{n:4-7}
6 ACPI: bus type thunderbolt registered
6 i801_smbus 0000:00:1f.3: SPD Write Disable is set
6 cfg80211: Loading compiled-in X.509 certificates for regulatory database
4 faux_driver regulatory: Direct firmware load for regulatory.db failed with error -2
6 cfg80211: failed to load regulatory.db
6 kvm_{pick:intel|amd}: Nested Virtualization enabled
6 EDAC sbridge: Seeking for: PCI ID 8086:{x:4}
6 ee1004 0-0050: 512 byte EE1004-compliant SPD EEPROM, read-only
6 snd_hda_intel 0000:00:1f.3: bound 0000:00:02.0 (ops 0xffffffff{x:8})
6 mousedev: PS/2 mouse device common for all mice
6 intel_rapl_common: Found RAPL domain package
6 intel_rapl_common: Found RAPL domain {pick:core|dram}
6 ast 0000:06:00.0: [drm] AST 2{pick:400|500} detected
`;
