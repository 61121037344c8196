import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { bad, good } from '@ifactor/crds/testing';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { kubectl } from './kubectl.ts';

/** An API server under test, which has the CRDs, and the kubectl to talk to it with. */
export interface Target {
  kubeconfig: string;
  kubectl: string;
}

const EXAMPLES = resolve(import.meta.dirname, '../../crds/examples');

/** What any API server must admit and refuse. `target` is asked when the tests run, once the server is up. */
export function admissionContract(target: () => Target): void {
  const run = (args: string[], input?: string) => kubectl(target().kubectl, target().kubeconfig, args, input);

  describe('admission', async () => {
    const files = (await readdir(EXAMPLES, { recursive: true })).filter((name) => name.endsWith('.yaml'));

    test.each(files)('admits the example %s', async (name) => {
      const file = join(EXAMPLES, name);
      const { code, stdout, stderr } = await run(['apply', '--dry-run=server', '--validate=strict', '-f', file]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const count = parseAllDocuments(await readFile(file, 'utf8')).length;
      expect(stdout.match(/ created \(server dry run\)$/gm)).toHaveLength(count);
    });

    test('admits every legal manifest of the table', async () => {
      const { code, stderr } = await run(
        ['create', '--dry-run=server', '--validate=ignore', '-f', '-'],
        documents(good),
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    });

    test('refuses every wrong manifest of the table, naming the field', async () => {
      const { code, stdout, stderr } = await run(
        ['create', '--dry-run=server', '--validate=ignore', '-f', '-'],
        documents(bad),
      );
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      const said = new Map(
        stderr.split(/^(?=The |Error from server)/m).map((block) => [/"(case-\d+)"/.exec(block)?.[1], block]),
      );
      const unnamed = bad.flatMap(({ kind, why, names }, index) => {
        const block = said.get(`case-${index}`) ?? 'not refused';
        return block.includes(names) ? [] : [{ kind, why, names, block }];
      });
      expect(unnamed).toEqual([]);
    });

    test('refuses an unknown field under strict validation, naming it', async () => {
      const manifest = documents([
        { kind: 'WireGuardInterface', spec: { node: 'lax1', interfaceName: 'wg1', colour: 'red' } },
      ]);
      const { code, stderr } = await run(['create', '--dry-run=server', '--validate=strict', '-f', '-'], manifest);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('unknown field "spec.colour"') });
    });
  });
}

/** Separate documents: for a List, which no server describes, kubectl would judge by itself. */
function documents(cases: readonly { kind: string; spec: object }[]): string {
  const items = cases.map(({ kind, spec }, index) => ({
    apiVersion: 'networking.dn42.io/v1alpha1',
    kind,
    metadata: { name: `case-${index}`, namespace: 'default' },
    spec,
  }));
  return items.map((item) => `---\n${stringify(item)}`).join('');
}
