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
    expect(drawing).toMatch(/pending"? -{1,2}> "?creating/);
  });

  test('gives JSON that XState loads, with every state reachable', () => {
    const machine = createMachine(JSON.parse(draw('json')) as Parameters<typeof createMachine>[0]);
    expect(Object.keys(machine.states).toSorted()).toEqual([...states].toSorted());
    const targets = new Set(
      Object.values(machine.states).flatMap(({ always }) =>
        (always ?? []).flatMap(({ target }) => target?.map(({ key }) => key) ?? []),
      ),
    );
    expect([...targets].toSorted()).toEqual([...states].toSorted());
  });
});
