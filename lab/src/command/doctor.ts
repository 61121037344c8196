import { Command } from 'commander';
import pc from 'picocolors';
import { examine } from '../host/doctor.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Check what a lab needs on this machine, and what is disabled without it.')
    .addHelpText('after', '\nExamples:\n  ifactor lab doctor\n')
    .action(async () => {
      const findings = await examine();
      const width = Math.max(...findings.map(({ what }) => what.length));
      for (const { what, has, detail, lack } of findings) {
        console.log(
          `${has ? pc.green('✓') : pc.yellow('✗')} ${what.padEnd(width)}  ${detail}${has || lack === undefined ? '' : `\n  ${' '.repeat(width)}  → ${lack}`}`,
        );
      }
    });
}
