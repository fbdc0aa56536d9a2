import { writeFileSync } from 'node:fs';
import type { Runner } from '../../src/wireguard/runner.ts';
import { TestNetwork } from '../helpers/netns.ts';
import { VirtualMachine } from './vm/vm.ts';

/** A system whose kernel has WireGuard. */
export interface KernelHost {
  readonly name: string;
  readonly isVirtual: boolean;
  /** An interface name that is free there. */
  readonly interface: string;
  readonly runner: Runner;
  readonly putFile: (path: string, text: string) => void;
  dispose(): Promise<void>;
}

/** A namespace of this host where its kernel can; else a virtual machine with Debian's. */
export async function kernelHost(): Promise<KernelHost> {
  const network = new TestNetwork('wgkern');
  const namespace = await network.namespace('gw');
  const name = network.interfaceName();
  if (await canMake(namespace.runner, name)) {
    return {
      name: "this host's kernel",
      isVirtual: false,
      interface: name,
      runner: namespace.runner,
      putFile: (path, text) => writeFileSync(path, text, { mode: 0o600 }),
      dispose: () => network.dispose(),
    };
  }
  await network.dispose();
  const vm = await VirtualMachine.boot();
  return {
    name: "Debian's kernel, in a virtual machine",
    isVirtual: true,
    interface: name,
    runner: vm.runner,
    putFile: (path, text) => vm.write(path, text),
    dispose: () => vm.dispose(),
  };
}

async function canMake({ run }: Runner, name: string): Promise<boolean> {
  try {
    await run(['ip', 'link', 'add', 'dev', name, 'type', 'wireguard']);
  } catch {
    return false;
  }
  await run(['ip', 'link', 'del', 'dev', name]);
  return true;
}
