import { join, resolve } from 'node:path';
import { readdir } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { applyContract } from './apply.ts';
import { changeContract } from './change.ts';
import { lifecycleContract } from './lifecycle.ts';
import { clientOf, type Target } from './target.ts';
import { metadataContract } from './metadata.ts';
import { viewContract } from './view.ts';

const CRDS = resolve(import.meta.dirname, '../../crds/manifests');

/** What kubectl may expect of any API server that ifactor runs on. Works in a namespace of its own, which it makes. */
export function kubectlContract(target: () => Target, namespace: string): void {
  const client = clientOf(target, namespace);

  beforeAll(async () => {
    const manifests = (await readdir(CRDS))
      .filter((name) => name.endsWith('.yaml'))
      .flatMap((name) => ['-f', join(CRDS, name)]);
    await client.ok(['apply', '--server-side', '--force-conflicts', ...manifests]);
    await client.ok([
      'wait',
      '--for=condition=Established',
      '--timeout=30s',
      ...manifests
        .filter((word) => word !== '-f')
        .map((path) => `crd/${path.slice(CRDS.length + 1, -'.yaml'.length)}.networking.dn42.io`),
    ]);
    expect(await client.ok(['create', 'namespace', namespace])).toContain('created');
  });

  describe('apply', () => {
    applyContract(client);
  });
  describe('change', () => {
    changeContract(client);
  });
  describe('lifecycle', () => {
    lifecycleContract(client, target, namespace);
  });
  describe('metadata', () => {
    metadataContract(client, namespace);
  });
  describe('view', () => {
    viewContract(client, target, namespace);
  });

  test('the CRDs stand as they are served', async () => {
    expect(
      await client.ok(['get', 'crd', 'netlinkinterfaces.networking.dn42.io', '-o', 'jsonpath={.spec.names.kind}']),
    ).toBe('NetlinkInterface');
  });
}
