import { machine, successors } from '@ifactor/actors';
import { states } from '@ifactor/crds';
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

const edges = states.flatMap((from) => successors[from].map((to) => ({ from, to })));
const [start] = Object.keys(machine.states);
const id = (state: string): string => state.replaceAll('-', '_');

/** The machine's configuration as plain JSON: actions and guards by name, no context. */
function config(): string {
  const { id: name, initial, on, states: nodes } = machine.config;
  return JSON.stringify({ id: name, initial, on, states: nodes }, null, 2);
}

const drawings: Record<Format, () => string> = {
  mermaid: () => {
    const named = states.map((state) => `  state "${state}" as ${id(state)}`);
    return [
      'stateDiagram-v2',
      ...named,
      `  [*] --> ${id(start ?? '')}`,
      ...edges.map(({ from, to }) => `  ${id(from)} --> ${id(to)}`),
    ].join('\n');
  },
  dot: () =>
    [
      'digraph interface {',
      '  node [shape=box, style=rounded];',
      ...edges.map(({ from, to }) => `  "${from}" -> "${to}";`),
      '}',
    ].join('\n'),
  json: config,
  xstate: () => `import { createMachine } from 'xstate';\n\nexport const machine = createMachine(${config()});`,
};
