import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { admissionContract } from './admission.ts';
import { kubectl, kubectls, newestKubectl } from './kubectl.ts';

const CRDS = resolve(import.meta.dirname, '../../crds/manifests');
const kube = inject('kube');
const kubeconfig = 'kubeconfig' in kube ? kube.kubeconfig : '';
const run = (...args: string[]) => kubectl(newestKubectl(), kubeconfig, args);
const crdName = (file: string) => file.replace('.yaml', '.networking.dn42.io');

async function must(...args: string[]): Promise<void> {
  const { code, stderr } = await run(...args);
  if (code !== 0) throw new Error(`kubectl ${args[0]}: ${stderr}`);
}

describe('a real kube-apiserver', async () => {
  beforeEach(({ skip }) => skip('unavailable' in kube, 'unavailable' in kube ? kube.unavailable : ''));

  const manifests = (await readdir(CRDS)).filter((name) => name.endsWith('.yaml'));

  beforeAll(async () => {
    if ('unavailable' in kube) return;
    await must('apply', '--server-side', ...manifests.flatMap((name) => ['-f', join(CRDS, name)]));
    await must(
      'wait',
      '--for=condition=Established',
      '--timeout=30s',
      ...manifests.map((name) => `crd/${crdName(name)}`),
    );
  });

  test.each(manifests)('takes %s as structural, with every name accepted', async (name) => {
    const { stdout } = await run('get', 'crd', crdName(name), '-o', 'json');
    const { status }: { status: { conditions: { type: string; status: string }[] } } = JSON.parse(stdout);
    const conditions = Object.fromEntries(status.conditions.map((condition) => [condition.type, condition.status]));
    // NonStructuralSchema would be a third one.
    expect(conditions).toEqual({ Established: 'True', NamesAccepted: 'True' });
  });

  admissionContract(() => ({ kubeconfig, kubectl: newestKubectl() }));

  test('answers every kubectl of this machine', async () => {
    for (const [version, program] of await kubectls()) {
      const { code, stdout, stderr } = await kubectl(program, kubeconfig, ['get', 'crd', '-o', 'name']);
      expect({ version, code, stderr }).toEqual({ version, code: 0, stderr: '' });
      expect(stdout.trim().split('\n')).toHaveLength(manifests.length);
    }
  });
});
