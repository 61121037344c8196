import { quoted } from './tree.ts';
import type { Node } from './tree.ts';

/** A zsh script that completes the program; to be sourced, or put into a folder of fpath as `_ifactor`. */
export function zsh(program: string, nodes: readonly Node[]): string {
  const name = `_${program}`;
  return [
    `#compdef ${program}`,
    `# Completion of ${program} in zsh: source <(${program} completion zsh)`,
    `${name}() {`,
    `  local at=${program} i`,
    '  local -a found',
    '  for ((i = 2; i < CURRENT; i++)); do',
    '    case "$at $words[i]" in',
    `      ${nodes
      .filter(({ path }) => path.includes(' '))
      .map(({ path }) => quoted(path))
      .join(' | ')}) at="$at $words[i]" ;;`,
    '    esac',
    '  done',
    '  case "$at $words[CURRENT-1]" in',
    ...nodes.flatMap(({ path, flags }) =>
      flags.flatMap(({ long, short, values }) => {
        if (values === null) return [];
        const spelled = [long, ...(short === undefined ? [] : [short])].map((one) => quoted(`${path} ${one}`));
        const offer = values.length === 0 ? '_files' : `compadd -- ${values.map(quoted).join(' ')}`;
        return [`    ${spelled.join(' | ')}) ${offer}; return ;;`];
      }),
    ),
    '  esac',
    '  case "$at" in',
    ...nodes.map(({ path, commands, values, flags }) => {
      const described = [
        ...commands.map((one) => [one.name, one.description]),
        ...values.map((one) => [one, '']),
        ...flags.map(({ long, description }) => [long, description]),
      ];
      const words = described.map(([word = '', text = '']) => quoted(`${word}:${text.replaceAll(':', '\\:')}`));
      return `    ${quoted(path)}) found=(${words.join(' ')}) ;;`;
    }),
    '  esac',
    `  _describe ${quoted(program)} found || _files`,
    '}',
    `compdef ${name} ${program}`,
  ].join('\n');
}
