/** A step of the README's walkthrough: its title, and the text of its block as a person would paste it. */
export type Step = { title: string; commands: string };

/**
 * The blocks of the section "The walkthrough", in order; the first, which prepares the shell, has no title.
 * @throws Error where the page has no such section
 */
export function walkthroughSteps(readme: string): Step[] {
  const [, section] = /\n## The walkthrough\n([\s\S]*?)\n## /.exec(readme) ?? [];
  if (section === undefined) throw new Error('the README has no section "The walkthrough"');
  const steps: Step[] = [];
  let title = '';
  let block: { indent: number; lines: string[] } | undefined;
  for (const line of section.split('\n')) {
    const begin = /^( *)```sh$/.exec(line);
    if (begin) block = { indent: begin[1]!.length, lines: [] };
    else if (block && line.trim() === '```') {
      steps.push({ title, commands: block.lines.join('\n') });
      block = undefined;
    } else if (block) block.lines.push(line.slice(block.indent));
    else title = /^\d+\. \*\*(.*?)\*\*/.exec(line)?.[1] ?? title;
  }
  return steps;
}
