import { Command } from 'commander';

/** `siderolinkd simulate`. */
export function simulateCommand(): Command {
  return new Command('simulate');
}
