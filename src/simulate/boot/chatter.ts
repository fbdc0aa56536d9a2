import type { ScriptLine } from '../boot-script.ts';
import { PRIORITIES } from '../kmsg-line.ts';
import { text } from './kernel-start.ts';

/** What a machine says while it runs: `6k text` is a kernel line of priority 6, `4u` one of user space, `3d` a daemon's. */
export function chatter(): [ScriptLine, ...ScriptLine[]] {
  const [first, ...rest] = text(LINES).map(parse);
  if (first === undefined) throw new RangeError('a machine that runs has something to say');
  return [first, ...rest];
}

function parse(line: string): ScriptLine {
  const priority = PRIORITIES[Number(line.charAt(0))] ?? 'info';
  const facility = ({ k: 'kern', u: 'user', d: 'daemon' } as const)[line.charAt(1) as 'k' | 'u' | 'd'];
  return { clock: 0, facility, priority, template: `${line.slice(3)}\n` };
}

const LINES = `
6k cni0: port {n:1-40}(veth{x:8}) entered blocking state
6k cni0: port {n:1-40}(veth{x:8}) entered forwarding state
6k cni0: port {n:1-40}(veth{x:8}) entered disabled state
6k veth{x:8}: left promiscuous mode
6k IPv6: ADDRCONF(NETDEV_CHANGE): lxc{x:12}: link becomes ready
6k eth0: renamed from tmp{x:5}
6k EXT4-fs (sd{pick:b|c|d}): mounted filesystem {x:8}-{x:4}-4{x:3}-9{x:3}-{x:12} r/w with ordered data mode. Quota mode: none.
6k EXT4-fs (rbd{n:0-9}): unmounting filesystem {x:8}-{x:4}-4{x:3}-8{x:3}-{x:12}.
5k XFS (dm-{n:0-9}): Mounting V5 Filesystem {x:8}-{x:4}-4{x:3}-a{x:3}-{x:12}
6k XFS (dm-{n:0-9}): Ending clean mount
6k device-mapper: thin: Data device (dm-{n:0-4}) discard unsupported: Disabling discard passdown.
4k nvme nvme0: I/O tag {n:1-900} ({x:4}) opcode 0x{pick:1|2} (I/O Cmd) QID {n:1-16} timeout, completion polled
3k blk_update_request: I/O error, dev sdb, sector {n:1000-7000000000} op 0x0:(READ) flags 0x80700 phys_seg {n:1-16} prio class 2
4k ata2.00: exception Emask 0x{n:0-9} SAct 0x{x:8} SErr 0x0 action 0x0
6k ata2.00: configured for UDMA/133
4k TCP: request_sock_TCP: Possible SYN flooding on port {ip}:{n:1024-60000}. Sending cookies.
6k TCP: eth0: Driver has suspect GRO implementation, TCP performance may be compromised.
4k net_ratelimit: {n:1-90} callbacks suppressed
4k neighbour: arp_cache: neighbor table overflow!
6k IPVS: [sh] scheduler registered.
6k oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=cri-containerd-{x:16}.scope,mems_allowed=0,oom_memcg=/kubepods/burstable/pod{x:8}-{x:4}-4{x:3}-a{x:3}-{x:12},task={pick:java|node|prometheus|python3},pid={pid},uid={n:0-65532}
3k Memory cgroup out of memory: Killed process {n:2000-99999} ({pick:java|node|prometheus|python3}) total-vm:{n:900000-9000000}kB, anon-rss:{n:200000-4000000}kB, file-rss:{n:0-90000}kB, shmem-rss:0kB, UID:{n:0-65532} pgtables:{n:400-9000}kB oom_score_adj:{n:900-999}
4k {pick:java|node|envoy} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj={n:2-999}
6k oom_reaper: reaped process {n:2000-99999} ({pick:java|node|prometheus}), now anon-rss:0kB, file-rss:{n:0-900}kB, shmem-rss:0kB
6k {pick:coredns|nginx|redis-server}[{n:2000-99999}]: segfault at {x:2} ip 00007f{x:10} sp 00007ff{x:9} error 4 in libc.so.6[7f{x:10}+16{x:4}] likely on CPU {n:0-15} (core {n:0-7}, socket 0)
4k perf: interrupt took too long ({n:2501-9800} > {n:2500-9700}), lowering kernel.perf_event_max_sample_rate to {n:20000-79000}
4k workqueue: {pick:blk_mq_requeue_work|drm_fb_helper_damage_work|delayed_fput} hogged CPU for >10000us {n:4-256} times, consider switching to WQ_UNBOUND
6k mce: [Hardware Error]: Machine check events logged
4k mce: CPU{n:0-15}: Core temperature is above threshold, cpu clock is throttled (total events = {n:1-900})
6k CPU{n:0-15}: Core temperature/speed normal
6k igb 0000:03:00.0 enp3s0: igb: enp3s0 NIC Link is {pick:Down|Up 1000 Mbps Full Duplex, Flow Control: RX}
6k mlx5_core 0000:02:00.0 enp2s0f0np0: Link {pick:up|down}
6k libceph: mon{n:0-2} (1)10.5.{n:0-9}.{n:2-250}:6789 session established
6k rbd: rbd{n:0-9}: capacity {n:1073741824-107374182400} features 0x3d
4k INFO: task {pick:kworker/u64:2|jbd2/rbd0-8|containerd-shim}:{n:200-9000} blocked for more than {n:122-860} seconds.
6k wireguard: kubespan: Handshake for peer {n:1-90} ({ip}:51820) did not complete after 5 seconds, retrying (try {n:2-9})
6k usb 1-1: reset high-speed USB device number 2 using xhci_hcd
5k audit: type=1400 audit(17{n:60000000-99999999}.{n:100-999}:{n:10-9999}): apparmor="DENIED" operation="open" profile="cri-containerd.apparmor.d" name="/proc/{n:1-99999}/mem" pid={pid} comm="{pick:falco|node_exporter}" requested_mask="r" denied_mask="r" fsuid=0 ouid=0
4u [talos] adjusting time (slew) by {n:1-40}.{n:100-999}ms via {n:11-212}.{n:1-254}.{n:1-254}.{n:1-254}, state TIME_OK, status STA_PLL | STA_NANO {"component": "controller-runtime", "controller": "time.SyncController"}
4u [talos] controller failed {"component": "controller-runtime", "controller": "k8s.NodeStatusController", "error": "error watching node: Get \\"https://127.0.0.1:7445/api/v1/nodes?fieldSelector=metadata.name%3D{host}&watch=true\\": EOF"}
4u [talos] service[kubelet](Running): Health check failed: Get "http://127.0.0.1:10248/healthz": context deadline exceeded
4u [talos] service[kubelet](Running): Health check successful
4u [talos] service[etcd](Running): Health check failed: context deadline exceeded
4u [talos] service[etcd](Running): Health check successful
4u [talos] controller runtime: reconcile took {ms} {"component": "controller-runtime", "controller": "network.StatusController"}
4u [talos] refreshed affiliates {"component": "controller-runtime", "controller": "cluster.DiscoveryServiceController", "affiliates": {n:1-30}, "duration": "{ms}"}
4u [talos] rotated log file {"component": "logging", "service": "{pick:kubelet|etcd|apid|cri}", "bytes": {n:524288-1048576}}
4u [talos] API request: /machine.MachineService/{pick:Version|ServiceList|Memory|Dmesg|Logs} {"component": "apid", "code": "OK", "duration": "{ms}", "peer": "{ip}:{n:30000-60999}"}
4u [talos] removed stale route {"component": "controller-runtime", "controller": "network.RouteSpecController", "destination": "10.244.{n:0-254}.0/24", "gateway": "10.5.0.{n:2-250}", "table": "main"}
4u [talos] image garbage collected {"component": "controller-runtime", "controller": "runtime.CRIImageGCController", "image": "sha256:{x:64}"}
3d containerd: time="2026-11-{n:10-28}T{n:10-23}:{n:10-59}:{n:10-59}Z" level=error msg="failed to handle container TaskExit event" error="ttrpc: closed: unknown"
6d iscsid: connection{n:1-9}:0 is operational now
4d iscsid: Kernel reported iSCSI connection {n:1-9}:0 error (1022 - ISCSI_ERR_NOP_TIMEDOUT: A NOP has timed out) state (3)
`;
