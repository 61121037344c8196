import { quoted } from './tree.ts';
import type { Node } from './tree.ts';

/** A bash script that completes the program; to be sourced. */
export function bash(program: string, nodes: readonly Node[]): string {
  const name = `_${program}`;
  return [
    `# Completion of ${program} in bash: source <(${program} completion bash)`,
    `${name}() {`,
    '  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at=' + program + ' words= i',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    '    case "$at ${COMP_WORDS[i]}" in',
    `      ${nodes
      .filter(({ path }) => path.includes(' '))
      .map(({ path }) => quoted(path))
      .join(' | ')}) at="$at \${COMP_WORDS[i]}" ;;`,
    '    esac',
    '  done',
    '  case "$at $prev" in',
    ...nodes.flatMap(({ path, flags }) =>
      flags.flatMap(({ long, short, values }) => {
        if (values === null) return [];
        const spelled = [long, ...(short === undefined ? [] : [short])].map((one) => quoted(`${path} ${one}`));
        return [`    ${spelled.join(' | ')}) COMPREPLY=(${compgen(values)}); return ;;`];
      }),
    ),
    '  esac',
    '  case "$at" in',
    ...nodes.map(({ path, commands, values, flags }) => {
      const words = [...commands.map((one) => one.name), ...values, ...flags.map(({ long }) => long)];
      return `    ${quoted(path)}) words=${quoted(words.join(' '))} ;;`;
    }),
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    '}',
    // Where nothing of ours fits, a file may.
    `complete -o default -F ${name} ${program}`,
  ].join('\n');
}

const compgen = (values: readonly string[]): string =>
  values.length === 0 ? '' : `$(compgen -W ${quoted(values.join(' '))} -- "$cur")`;
