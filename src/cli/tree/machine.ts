import { Argument, type Command, Option } from 'commander';
import { LINK_STATES, MACHINE_STATES } from '../../client/states.ts';
import { machineBoots, machineGet, machineList, machineWatch } from '../commands/machine.ts';
import { machineAccept, machineReadmit, machineReject, machineResetToken } from '../commands/machine-admission.ts';
import {
  machineAdd,
  machineClaim,
  machineLabel,
  machineRelease,
  machineRemove,
  machineTunnel,
} from '../commands/machine-changes.ts';
import type { Run } from '../context.ts';
import { examples, label, labelChange, TUNNEL_CHOICES, uuid, wholeNumber, withOwnership } from './values.ts';

export function addMachineCommands(program: Command, run: Run): void {
  const machine = program.command('machine').description('the machines');
  addReading(machine, run);
  addAdmission(machine, run);
  addOwnership(machine, run);
}

function addReading(machine: Command, run: Run): void {
  const list = machine
    .command('list')
    .description('all machines, or those that the options let pass')
    .option('-l, --selector <selector>', 'by labels: rack=r7, rack in (r7,r8), !retired, slots > 3; a comma is AND')
    .addOption(new Option('--state <state...>', 'only machines in such a state').choices([...MACHINE_STATES]))
    .option('--owner <owner>', 'only machines of this owner; _ for those without one')
    .addOption(new Option('--link <state>', 'only machines with such a link').choices([...LINK_STATES]))
    .action(run(machineList));
  examples(
    list,
    'machine list --state pending provisional',
    "machine list -l 'rack in (r7, r8), !retired' --link down",
    'machine list --owner acme -o json | jq -r .address',
  );
  const get = machine.command('get <machine>').description('all that is known of a machine').action(run(machineGet));
  examples(get, 'machine get cp-1', 'machine get 71233efd -o json');
  const watch = machine
    .command('watch')
    .description('the table, and then each change until Ctrl-C')
    .action(run((context) => machineWatch(context)));
  examples(watch, 'machine watch');
  const boots = machine
    .command('boots <machine>')
    .description('its boots, the newest first, and what is missing of their kernel logs')
    .action(run(machineBoots));
  examples(boots, 'machine boots cp-1');
}

function addAdmission(machine: Command, run: Run): void {
  const add = machine
    .command('add')
    .addArgument(new Argument('<uuid>', 'SMBIOS UUID of a machine that never joined').argParser(uuid))
    .description('make a machine known before it ever booted, or bring one that never joined to what is given')
    .option('--label <key=value>', 'a label; may be repeated', label)
    .option(
      '--unique-token',
      'make a unique token for its SideroLinkConfig (Talos 1.11 or newer); stdout gets it once, and nothing else',
    )
    .action(run(machineAdd));
  withOwnership(add, 'whose it is');
  examples(
    add,
    'machine add 71233efd-7a07-43f8-b6ba-000000000001 --owner acme --label rack=r7',
    'machine add 71233efd-7a07-43f8-b6ba-000000000001 --unique-token >unique-token',
  );
  const accept = machine
    .command('accept <machine...>')
    .description('let pending, provisional and rejected machines in')
    .action(run(machineAccept));
  examples(
    accept,
    'machine accept cp-1 cp-2',
    'machine accept $(siderolinkctl machine list --state pending -o json | jq -r .server_uuid)',
  );
  const reject = machine
    .command('reject <machine...>')
    .description('cut the link of machines at once; they may not join until they are accepted')
    .action(run(machineReject));
  examples(reject, 'machine reject cp-1');
  const remove = machine
    .command('remove <machine...>')
    .description('decommission machines: links go at once, addresses and UUIDs stay reserved; asks first')
    .option('--records', 'also delete what is stored of them: logs and events')
    .option('-y, --yes', 'do not ask')
    .action(run(machineRemove));
  examples(remove, 'machine remove cp-1', 'machine remove --yes --records 71233efd-7a07-43f8-b6ba-000000000001');
  const readmit = machine
    .command('readmit <machine...>')
    .description('let removed machines join again, with the addresses that they had')
    .action(run(machineReadmit));
  examples(readmit, 'machine readmit cp-1');
  const reset = machine
    .command('reset-token <machine...>')
    .description('forget their unique tokens, so that machines that were installed anew may join')
    .action(run(machineResetToken));
  examples(reset, 'machine reset-token cp-1');
}

function addOwnership(machine: Command, run: Run): void {
  const ifVersion = () =>
    new Option('--if-version <n>', 'only if the machine has this version; default: the one it has now').argParser(
      wholeNumber(0),
    );
  const claim = machine
    .command('claim <machine>')
    .description('give a machine to an owner; what is not given of namespace, cluster, … is empty then')
    .option('--transfer', 'also take it from another owner')
    .addOption(ifVersion())
    .action(run(machineClaim));
  withOwnership(claim, 'whose it becomes', 'required');
  examples(
    claim,
    'machine claim cp-1 --owner acme --namespace fleet --cluster prod',
    'machine claim cp-1 --owner globex --transfer',
  );
  const release = machine
    .command('release <machine>')
    .description('take its ownership away')
    .addOption(ifVersion())
    .action(run(machineRelease));
  examples(release, 'machine release cp-1');
  const change = machine
    .command('label <machine>')
    .addArgument(new Argument('<change...>', 'key=value sets a label, key- takes it away').argParser(labelChange))
    .description('set and unset labels')
    .action(run(machineLabel));
  examples(change, 'machine label cp-1 rack=r7 role=controlplane', 'machine label cp-1 retired-');
  const tunnel = machine
    .command('tunnel')
    .addArgument(
      new Argument('<setting>', 'force, off, auto if it asks, inherit: as join.tunnel').choices(TUNNEL_CHOICES),
    )
    .argument('<machine...>')
    .description('whether machines come through the gRPC tunnel, from their next call of Provision on')
    .action(run(machineTunnel));
  examples(tunnel, 'machine tunnel force cp-1 cp-2', 'machine tunnel inherit cp-1');
}
