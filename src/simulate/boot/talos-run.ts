import { configLoadErrorEvent, serviceEvent, statusEvent, taskEvent } from '../machine-events.ts';
import type { TalosProfile } from '../profile.ts';
import { text } from './kernel-start.ts';
import type { HardwareModel } from './models.ts';
import { bootSequence, serviceHealthy, startService } from './talos-start.ts';
import type { ScriptWriter } from './writer.ts';

/** A configured machine from its network to a ready Kubernetes node. */
export function runNode(writer: ScriptWriter, profile: TalosProfile, model: HardwareModel): void {
  bootSequence(writer, (task) => {
    if (task === 'mountStatePartition') mountVolume(writer, model, 'STATE', 'xfs', 5);
    if (task === 'mountEphemeralPartition') mountVolume(writer, model, 'EPHEMERAL', 'xfs', 6);
    if (task === 'startAllServices') startServices(writer, profile);
  });
  for (const line of text(KUBERNETES)) writer.wait(60).talos(line);
  writer.kernel(text(CNI), 2500);
  if (profile.machineStatusEvents) {
    writer.event((facts) => statusEvent('RUNNING', [['nodeReady', `node "${facts.hostname}" status is not ready`]]));
    writer.wait(4000).event(() => statusEvent('RUNNING', []));
  }
  writer.talos(
    'machine is running and ready {"component": "controller-runtime", "controller": "runtime.MachineStatusController"}',
  );
}

/** A machine without a configuration: it ends in maintenance mode and waits. */
export function runMaintenance(writer: ScriptWriter, profile: TalosProfile): void {
  writer.event(() => taskEvent('runningMaintenance', 'START'));
  writer.talos(
    'entering maintenance service {"component": "controller-runtime", "controller": "config.AcquireController"}',
  );
  writer.apiUp();
  if (profile.machineStatusEvents) writer.event(() => statusEvent('MAINTENANCE', []));
  for (const line of text(MAINTENANCE)) writer.wait(30).talos(line);
  // A configuration that somebody sent and that did not load.
  writer.wait(3000).event(() => configLoadErrorEvent('unknown keys found during decoding: machine: installer: {}'));
  writer.talos(
    'failed to load configuration {"component": "controller-runtime", "controller": "config.AcquireController", "error": "unknown keys found during decoding:\\nmachine:\\n    installer: {}\\n"}',
  );
}

/** A machine in maintenance mode gets its configuration, and goes on as one that had it. */
export function leaveMaintenance(writer: ScriptWriter, profile: TalosProfile, model: HardwareModel): void {
  writer.talos(
    'leaving maintenance service {"component": "controller-runtime", "controller": "config.AcquireController"}',
  );
  writer.event(() => taskEvent('runningMaintenance', 'STOP'));
  if (profile.machineStatusEvents) writer.event(() => statusEvent('BOOTING', [['services', 'apid not healthy']]));
  runNode(writer, profile, model);
}

function mountVolume(
  writer: ScriptWriter,
  model: HardwareModel,
  volume: string,
  filesystem: string,
  number: number,
): void {
  const [disk] = model.disks;
  const name = `${disk?.name ?? 'sda'}${disk?.kind === 'nvme' ? 'p' : ''}${number}`;
  writer
    .talos(
      `volume status {"component": "controller-runtime", "controller": "block.VolumeManagerController", "volume": "${volume}", "phase": "waiting -> ready", "filesystem": "${filesystem}", "location": "/dev/${name}", "parentLocation": "/dev/${disk?.name ?? 'sda'}"}`,
    )
    .kernel(
      [
        `5 XFS (${name}): Mounting V5 Filesystem {x:8}-{x:4}-4{x:3}-b{x:3}-{x:12}`,
        `6 XFS (${name}): {pick:Ending clean mount|Starting recovery (logdev: internal)|Ending recovery (logdev: internal)}`,
      ],
      60,
    );
}

function startServices(writer: ScriptWriter, profile: TalosProfile): void {
  const waiting = [
    ['apid', 'service "containerd" to be "up", api certificates'],
    ['auditd', 'time sync'],
    ['cri', 'network'],
    ['etcd', 'service "cri" to be "up", time sync, network, etcd spec'],
    ['kubelet', 'service "cri" to be "up", time sync, network'],
    ['trustd', 'service "containerd" to be "up", time sync, network'],
    ['syslogd', 'service "machined" to be "up"'],
  ] as const;
  writer.talos(`task startAllServices (1/1): waiting for ${waiting.length} services`);
  for (const [service, reason] of waiting) {
    writer.talos(`service[${service}](Waiting): Waiting for ${reason}`);
    writer.event(() => serviceEvent(service, 'WAITING', `Waiting for ${reason}`));
  }
  if (profile.machineStatusEvents) {
    writer.event(() => statusEvent('BOOTING', [['services', 'apid, etcd, kubelet, trustd not healthy']]));
  }
  startService(writer, profile, 'syslogd', 'goroutine');
  serviceHealthy(writer, 'syslogd');
  startService(writer, profile, 'auditd', 'goroutine');
  serviceHealthy(writer, 'containerd');
  startService(writer, profile, 'cri', 'process');
  serviceHealthy(writer, 'udevd');
  startService(writer, profile, 'apid', 'container');
  writer.apiUp();
  for (const line of text(IMAGES)) writer.wait(250).talos(line);
  startService(writer, profile, 'trustd', 'container');
  serviceHealthy(writer, 'cri');
  serviceHealthy(writer, 'trustd');
  serviceHealthy(writer, 'apid');
  for (const line of text(TIME)) writer.wait(80).talos(line);
  startService(writer, profile, 'etcd', 'container');
  startService(writer, profile, 'kubelet', 'container');
  writer.wait(1800);
  serviceHealthy(writer, 'etcd');
  serviceHealthy(writer, 'kubelet');
}

const MAINTENANCE = `
this machine is reachable at: {"component": "controller-runtime", "controller": "runtime.MaintenanceServiceController"}
	{ip} {"component": "controller-runtime", "controller": "runtime.MaintenanceServiceController"}
server certificate issued {"component": "controller-runtime", "controller": "runtime.MaintenanceServiceController", "fingerprint": "{x:43}="}
upload configuration using talosctl: {"component": "controller-runtime", "controller": "runtime.MaintenanceServiceController"}
	talosctl apply-config --insecure --nodes {ip} --file <config.yaml> {"component": "controller-runtime", "controller": "runtime.MaintenanceServiceController"}
or apply configuration using talosctl interactive installer: {"component": "controller-runtime", "controller": "runtime.MaintenanceServiceController"}
	talosctl apply-config --insecure --nodes {ip} --mode=interactive {"component": "controller-runtime", "controller": "runtime.MaintenanceServiceController"}
optionally with node fingerprint check: {"component": "controller-runtime", "controller": "runtime.MaintenanceServiceController"}
	talosctl apply-config --insecure --nodes {ip} --cert-fingerprint '{x:43}=' --file <config.yaml> {"component": "controller-runtime", "controller": "runtime.MaintenanceServiceController"}
adjusting time (slew) by {n:1-900}.{n:100-999}ms via {n:11-212}.{n:1-254}.{n:1-254}.{n:1-254}, state TIME_OK, status STA_PLL | STA_NANO {"component": "controller-runtime", "controller": "time.SyncController"}
controller failed {"component": "controller-runtime", "controller": "block.DiscoveryController", "error": "open /dev/sr0: no medium found"}
`;

const IMAGES = `
pulling "registry.k8s.io/etcd:v3.6.{n:1-9}" {"component": "image-puller"}
pulling "ghcr.io/siderolabs/kubelet:v1.3{n:0-5}.{n:0-9}" {"component": "image-puller"}
pulled "registry.k8s.io/etcd:v3.6.{n:1-9}" in {ms} {"component": "image-puller"}
pulled "ghcr.io/siderolabs/kubelet:v1.3{n:0-5}.{n:0-9}" in {ms} {"component": "image-puller"}
generated api certificates {"component": "controller-runtime", "controller": "secrets.APIController", "fingerprint": "{x:64}"}
controller failed {"component": "controller-runtime", "controller": "k8s.NodeIPController", "error": "no suitable node IP found, please make sure .machine.kubelet.nodeIP filters and pod/service subnets are set up correctly"}
`;

const TIME = `
setting time {"component": "controller-runtime", "controller": "time.SyncController", "server": "{n:11-212}.{n:1-254}.{n:1-254}.{n:1-254}"}
adjusting time (jump) by {n:1-40}.{n:100000-999999}s via {n:11-212}.{n:1-254}.{n:1-254}.{n:1-254}, state TIME_OK, status STA_NANO, sync true {"component": "controller-runtime", "controller": "time.SyncController"}
removed address 10.5.0.{n:100-200}/32 from "lo" {"component": "controller-runtime", "controller": "network.AddressSpecController"}
enabling shared IP {"component": "controller-runtime", "controller": "network.OperatorVIPConfigController", "operator": "vip", "link": "eth0", "ip": "10.5.0.{n:20-50}"}
`;

const KUBERNETES = `
rendered new static pod {"component": "controller-runtime", "controller": "k8s.StaticPodServerController", "id": "kube-apiserver"}
rendered new static pod {"component": "controller-runtime", "controller": "k8s.StaticPodServerController", "id": "kube-controller-manager"}
rendered new static pod {"component": "controller-runtime", "controller": "k8s.StaticPodServerController", "id": "kube-scheduler"}
kubernetes endpoint watch error {"component": "controller-runtime", "controller": "k8s.EndpointController", "error": "failed to list *v1.EndpointSlice: Get \\"https://127.0.0.1:7445/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?fieldSelector=metadata.name%3Dkubernetes&limit=500\\": dial tcp 127.0.0.1:7445: connect: connection refused"}
bootstrap request received
created dns upstream {"component": "controller-runtime", "controller": "network.DNSUpstreamController", "addr": "10.5.0.{n:1-9}", "idx": 0}
controller failed {"component": "controller-runtime", "controller": "k8s.KubeletStaticPodController", "error": "error refreshing pod status: error fetching pod status: an error on the server (\\"Authorization error (user=apiserver-kubelet-client, verb=get, resource=nodes, subresource=proxy)\\") has prevented the request from succeeding"}
machine is registered {"component": "controller-runtime", "controller": "cluster.DiscoveryServiceController", "affiliates": {n:1-9}}
created {pick:/v1/ServiceAccount/kube-proxy|/v1/ConfigMap/coredns|rbac.authorization.k8s.io/v1/ClusterRole/flannel} {"component": "controller-runtime", "controller": "k8s.ManifestApplyController"}
updating Kubernetes endpoint {"component": "controller-runtime", "controller": "k8s.EndpointController", "endpoints": ["{ip}"]}
node taints updated {"component": "controller-runtime", "controller": "k8s.NodeApplyController", "node": "{host}"}
`;

const CNI = `
6 cni0: port 1(veth{x:8}) entered blocking state
6 cni0: port 1(veth{x:8}) entered disabled state
6 veth{x:8}: entered allmulticast mode
6 veth{x:8}: entered promiscuous mode
6 cni0: port 1(veth{x:8}) entered forwarding state
6 IPv6: ADDRCONF(NETDEV_CHANGE): veth{x:8}: link becomes ready
6 br_netfilter: Loaded bridge netfilter support
6 Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on, data leaks possible via Spectre v2 BHB attacks!
6 IPVS: [rr] scheduler registered.
6 flannel.1: Caught tx_queue_len zero misconfig
6 eth0: renamed from tmp{x:5}
`;
