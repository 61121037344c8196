import { quoted } from './tree.ts';
import type { Node } from './tree.ts';

/** A fish script that completes the program; to be sourced, or put into ~/.config/fish/completions. */
export function fish(program: string, nodes: readonly Node[]): string {
  const at = `__${program}_at`;
  const line = (path: string, ...words: string[]): string =>
    ['complete', '-c', program, '-n', quoted(`${at} ${path}`), ...words].join(' ');
  return [
    `# Completion of ${program} in fish: ${program} completion fish | source`,
    `function ${at}`,
    `  set -l at ${program}`,
    '  for word in (commandline -opc)[2..]',
    '    switch "$at $word"',
    `      case ${nodes
      .filter(({ path }) => path.includes(' '))
      .map(({ path }) => quoted(path))
      .join(' ')}`,
    '        set at "$at $word"',
    '    end',
    '  end',
    '  test "$at" = "$argv"',
    'end',
    ...nodes.flatMap(({ path, commands, values, flags }) => [
      ...commands.map((one) => line(path, '-f', '-a', one.name, '-d', quoted(one.description))),
      ...values.map((one) => line(path, '-f', '-a', one)),
      ...flags.map((flag) =>
        line(
          path,
          '-l',
          flag.long.slice(2),
          ...(flag.short === undefined ? [] : ['-s', flag.short.slice(1)]),
          ...(flag.values === null
            ? []
            : flag.values.length === 0
              ? ['-r', '-F']
              : ['-x', '-a', quoted(flag.values.join(' '))]),
          '-d',
          quoted(flag.description),
        ),
      ),
    ]),
  ].join('\n');
}
