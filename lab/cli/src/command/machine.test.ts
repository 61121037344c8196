import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { states } from '@ifactor/crds';
import { describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';

const draw = (format: string): string =>
  execFileSync(process.execPath, [join(import.meta.dirname, '../main.ts'), 'machine', '--format', format], {
    encoding: 'utf8',
  });

describe('ifactor machine', () => {
  test.each(['mermaid', 'dot'])('draws every state as %s', (format) => {
    const drawing = draw(format);
    for (const state of states) expect(drawing).toContain(state);
    expect(drawing).toMatch(/pending"? -{1,2}> "?creating"? (: |\[label=")needsMet/);
    for (const group of ['alive', 'healthy', 'ending']) expect(drawing).toContain(group);
  });

  test('gives JSON that XState loads, with every state reachable', () => {
    const machine = createMachine(JSON.parse(draw('json')) as Parameters<typeof createMachine>[0]);
    const nodes = (node: { states: object }): Node[] => {
      const inside = Object.values(node.states) as Node[];
      return inside.flatMap((one) => [one, ...nodes(one)]);
    };
    type Node = typeof machine.root;
    const all = nodes(machine.root);
    expect(all.flatMap(({ key, type }) => (type === 'atomic' ? [key] : [])).toSorted()).toEqual([...states].toSorted());
    expect(all.flatMap(({ key, type }) => (type === 'compound' ? [key] : []))).toEqual(['alive', 'healthy', 'ending']);
    const targets = all.flatMap(({ always }) =>
      (always ?? []).flatMap(({ target }) => target?.map(({ key }) => key) ?? []),
    );
    expect([...new Set(targets)].toSorted()).toEqual([...states].toSorted());
  });
});
