import { arrows, groupsOf, machine } from '@ifactor/actors';
import { states } from '@ifactor/crds';
import type { State } from '@ifactor/crds';
import { Command, Option } from 'commander';

const formats = ['mermaid', 'dot', 'json', 'xstate'] as const;
type Format = (typeof formats)[number];

export function machineCommand(): Command {
  return new Command('machine')
    .addOption(
      new Option('--format <format>', "json loads in Stately's tools, xstate is a module for them")
        .choices(formats)
        .default('mermaid'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  ifactor machine --format dot | dot -Tsvg > machine.svg\n  ifactor machine --format json > machine.json\n',
    )
    .action(({ format }: { format: Format }) => console.log(drawings[format]()));
}

const [start] = states;
const id = (state: string): string => state.replaceAll('-', '_');

/** Draws each group around its states; `inside` is drawn within the groups that are given. */
function nested(
  open: (group: string) => string,
  close: string,
  leaf: (state: State) => string,
  inside: readonly State[] = states,
  depth = 0,
): string[] {
  const indent = '  '.repeat(depth + 1);
  const lines = inside.filter((state) => groupsOf(state).length === depth).map((state) => `${indent}${leaf(state)}`);
  const deeper = inside.filter((state) => groupsOf(state).length > depth);
  for (const [group, members] of Map.groupBy(deeper, (state) => groupsOf(state)[depth] ?? '')) {
    lines.push(`${indent}${open(group)}`, ...nested(open, close, leaf, members, depth + 1), `${indent}${close}`);
  }
  return lines;
}

/** The machine's configuration as plain JSON: actions and guards by name, no context. */
function config(): string {
  const { id: name, initial, on, states: nodes } = machine.config;
  return JSON.stringify({ id: name, initial, on, states: nodes }, null, 2);
}

const drawings: Record<Format, () => string> = {
  mermaid: () =>
    [
      'stateDiagram-v2',
      ...nested(
        (group) => `state ${group} {`,
        '}',
        (state) => `state "${state}" as ${id(state)}`,
      ),
      `  [*] --> ${id(start)}`,
      ...arrows.map(({ from, to, guards }) => `  ${id(from)} --> ${id(to)} : ${guards.join(', ')}`),
    ].join('\n'),
  dot: () =>
    [
      'digraph interface {',
      '  node [shape=box, style=rounded];',
      ...nested(
        (group) => `subgraph cluster_${group} { label="${group}";`,
        '}',
        (state) => `"${state}";`,
      ),
      ...arrows.map(({ from, to, guards }) => `  "${from}" -> "${to}" [label="${guards.join('\\n')}"];`),
      '}',
    ].join('\n'),
  json: config,
  xstate: () => `import { createMachine } from 'xstate';\n\nexport const machine = createMachine(${config()});`,
};
