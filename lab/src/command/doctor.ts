import { Command } from 'commander';
import pc from 'picocolors';
import { examine } from '../host/doctor.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Show what this machine has and lacks for a lab, and what each lack disables.')
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
