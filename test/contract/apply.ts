import { good } from '@ifactor/crds/testing';
import { expect, test } from 'vitest';
import { bridge, type Client } from './target.ts';

const applyOf = (manager: string, spec: object, ...more: string[]): [string[], string] => [
  ['apply', '--server-side', `--field-manager=${manager}`, ...more, '-f', '-'],
  bridge('s1', spec),
];

/** How objects of ours are declared: by apply of either side, edit, replace and diff. */
export function applyContract({ run, ok, refused, read }: Client): void {
  test('apply creates, changes and leaves alone', async () => {
    expect(await ok(['apply', '-f', '-'], bridge('a1'))).toContain('a1 created');
    expect(await ok(['apply', '-f', '-'], bridge('a1'))).toContain('a1 unchanged');
    const before = await read('nl', 'a1');
    expect(await ok(['apply', '-f', '-'], bridge('a1', { mtu: 1400 }))).toContain('a1 configured');
    const after = await read('nl', 'a1');
    expect([before.metadata.generation, after.metadata.generation, after.spec.mtu]).toEqual([1, 2, 1400]);
    expect(after.metadata.uid).toBe(before.metadata.uid);
    await ok(['apply', '-f', '-'], bridge('a1'));
    expect((await read('nl', 'a1')).spec).not.toHaveProperty('mtu');
  });

  test('whatever is applied twice is unchanged, lists of objects with fields left out too', async () => {
    const items = good.map(({ kind, spec }, index) => ({
      apiVersion: 'networking.dn42.io/v1alpha1',
      kind,
      metadata: { name: `twice${index}` },
      spec,
    }));
    // Separate documents: for a List, which no server describes, kubectl would judge by itself.
    const list = items
      .filter(({ spec }) => !('colour' in spec))
      .map((item) => `---\n${JSON.stringify(item)}\n`)
      .join('');
    await ok(['apply', '-f', '-'], list);
    const again = (await ok(['apply', '-f', '-'], list)).trim().split('\n');
    expect(again.length).toBeGreaterThan(30);
    expect(again.filter((line) => !line.endsWith(' unchanged'))).toEqual([]);
  });

  test('server-side apply keeps managers apart', async () => {
    await ok(...applyOf('one', { mtu: 1400, addresses: [{ ipcidr: '192.0.2.1/24' }] }));
    const first = await read('nl', 's1');
    await ok(...applyOf('one', { mtu: 1400, addresses: [{ ipcidr: '192.0.2.1/24' }] }));
    expect((await read('nl', 's1')).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const conflict = await refused(...applyOf('two', { mtu: 1300 }));
    expect(conflict).toContain('Apply failed with 1 conflict: conflict with "one": .spec.mtu');
    await ok(...applyOf('two', { mtu: 1300 }, '--force-conflicts'));
    const forced = await read('nl', 's1');
    expect(forced.spec).toMatchObject({ mtu: 1300, addresses: [{ ipcidr: '192.0.2.1/24' }] });
    // What a manager applies no more, and nobody else owns, goes.
    await ok(...applyOf('two', {}));
    const after = await read('nl', 's1');
    expect(after.spec).not.toHaveProperty('mtu');
    expect(after.spec).toHaveProperty('addresses');
    expect(after.metadata.managedFields?.map(({ manager, operation }) => `${manager} ${operation}`).toSorted()).toEqual(
      ['one Apply', 'two Apply'],
    );
  });

  test('diff says whether an apply would change something', async () => {
    await ok(['apply', '-f', '-'], bridge('d1'));
    expect((await run(['diff', '-f', '-'], bridge('d1'))).code).toBe(0);
    const { code, stdout } = await run(['diff', '-f', '-'], bridge('d1', { mtu: 1280 }));
    expect(code).toBe(1);
    expect(stdout).toContain('+  mtu: 1280');
    expect((await read('nl', 'd1')).spec).not.toHaveProperty('mtu');
  });

  test('replace needs the version that it replaces', async () => {
    await ok(['create', '-f', '-'], bridge('r1'));
    await ok(['replace', '-f', '-'], bridge('r1', { mtu: 1300 }));
    const { metadata, spec } = await read('nl', 'r1');
    expect([metadata.generation, spec.mtu]).toEqual([2, 1300]);
    expect(await refused(['replace', '-f', '-'], bridge('r1', { mtu: 1301 }, { resourceVersion: '1' }))).toContain(
      'the object has been modified',
    );
    expect(await refused(['replace', '-f', '-'], bridge('absent'))).toContain('not found');
  });

  test('strict, warning and silent field validation', async () => {
    const manifest = bridge('v1', { colour: 'red' });
    expect(await refused(['create', '--validate=strict', '-f', '-'], manifest)).toContain(
      'unknown field "spec.colour"',
    );
    const { code, stderr } = await run(['create', '--validate=warn', '-f', '-'], manifest);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('unknown field "spec.colour"') });
    expect((await read('nl', 'v1')).spec).not.toHaveProperty('colour');
    expect((await run(['create', '--validate=ignore', '-f', '-'], bridge('v2', { colour: 'red' }))).stderr).toBe('');
  });

  test('a dry run stores nothing', async () => {
    await ok(['apply', '--dry-run=server', '-f', '-'], bridge('dry'));
    await ok(['apply', '--server-side', '--dry-run=server', '-f', '-'], bridge('dry'));
    expect(await refused(['get', 'nl', 'dry'])).toContain('not found');
  });

  test('names are checked and made', async () => {
    expect(await refused(['create', '-f', '-'], bridge('Upper'))).toContain(
      'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters',
    );
    expect(await ok(['create', '-f', '-'], bridge('', {}, { name: undefined, generateName: 'made-' }))).toMatch(
      /\/made-[a-z0-9]{5} created/,
    );
    expect(await refused(['create', '-f', '-'], bridge('a1'))).toContain('already exists');
  });
}
