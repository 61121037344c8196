import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What test/README.md says of each lane, by its name: what it proves, needs and costs. */
export function lanePage(): Map<string, string[]> {
  const text = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const sections = text.split(/^### /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [name = '', ...lines] = section.split('\n');
      return [name, lines.filter((line) => /^(Proves|Needs|Costs): /.test(line))];
    }),
  );
}
