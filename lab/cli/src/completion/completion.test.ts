import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { operatorCommand } from '../command/program.ts';
import { bash } from './bash.ts';
import { fish } from './fish.ts';
import { nodesOf } from './tree.ts';
import { zsh } from './zsh.ts';

const nodes = nodesOf(await operatorCommand());

/** What bash offers at the end of this line. */
function offered(line: string): string[] {
  const words = line.split(' ');
  const shell = `${bash('ifactor', nodes)}
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _ifactor; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync('bash', ['-c', shell, 'bash', ...words], { encoding: 'utf8' });
  return said.split('\n').filter(Boolean);
}

test.each([
  ['ifactor re', ['replay', 'resume', 'resync']],
  ['ifactor lab re', ['restart']],
  ['ifactor machine --format ', ['mermaid', 'dot', 'json', 'xstate']],
  ['ifactor lab up --runtime n', ['netns']],
  ['ifactor lab --runtime n', ['netns']],
  ['ifactor events --fol', ['--follow']],
  ['ifactor completion z', ['zsh']],
  ['ifactor replay --file ', []],
  ['ifactor ui --la', []],
])('%j', (line, words) => {
  expect(offered(line)).toEqual(words);
});

test('every command and option is in every script', () => {
  for (const script of [bash, zsh, fish]) {
    const text = script('ifactor', nodes);
    for (const { path, flags } of nodes) {
      expect(text).toContain(path);
      for (const { long } of flags) expect(text).toContain(script === fish ? `-l ${long.slice(2)}` : long);
    }
  }
});
