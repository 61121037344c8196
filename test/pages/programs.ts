import { spawnSync } from 'node:child_process';

/** The `--help` of a program, as a code block. */
export function help(main: string, ...command: string[]): string {
  return `\`\`\`\n${helpText(main, ...command).trimEnd()}\n\`\`\``;
}

function helpText(main: string, ...command: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...command, '--help'], {
    encoding: 'utf8',
    // A fixed width, so that the page does not depend on who writes it.
    env: { ...process.env, COLUMNS: '120', NO_COLOR: '1' },
  });
  if (status !== 0) throw new Error(`${main} ${command.join(' ')} --help ended with ${status}: ${stderr}`);
  return stdout;
}

/** A Markdown table of every command of a program and of its subcommands, from their own help. */
export function commands(main: string): string {
  const rows = commandsOf(main, []).map(([name, words]) => `| \`ifactor ${name}\` | ${words.replaceAll('|', '\\|')} |`);
  return ['| command | what it does |', '| --- | --- |', ...rows].join('\n');
}

function commandsOf(main: string, path: string[]): [string, string][] {
  const block = /^Commands:\n((?: {2}.*\n?)+)/m.exec(helpText(main, ...path))?.[1] ?? '';
  const found: [string, string][] = [];
  for (const line of block.split('\n')) {
    const [, name, usage, words] = /^ {2}(\S+)( .*?)? {2,}(\S.*)$/.exec(line) ?? [];
    if (name === undefined || words === undefined) {
      const last = found.at(-1);
      if (last && line.trim() !== '') last[1] += ` ${line.trim()}`;
      continue;
    }
    if (name === 'help') continue;
    found.push([[...path, `${name}${(usage ?? '').replace(' [options]', '')}`].join(' '), words]);
  }
  return found.flatMap(([name, words]): [string, string][] => {
    const [command = ''] = name.slice(path.join(' ').length).trim().split(' ');
    const inner = path.length < 1 ? commandsOf(main, [...path, command]) : [];
    return inner.length > 0 ? inner : [[name, words]];
  });
}
