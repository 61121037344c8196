import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { kubeconfigText, ownDefinitions, startApiServer, type ApiServer } from '@ifactor/lab/apiserver';
import { kubectls } from '../kube/kubectl.ts';
import { kubectlContract } from './contract.ts';

describe.each([...(await kubectls())])('the embedded API server and kubectl %s', (version, kubectl) => {
  let dir: string;
  let server: ApiServer;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ifactor-contract-'));
    server = await startApiServer({ definitions: ownDefinitions(), token: 'secret', dataDir: dir });
    await writeFile(join(dir, 'kubeconfig'), kubeconfigText(server));
  });
  afterAll(async () => {
    await server?.close();
    await rm(dir, { recursive: true, force: true });
  });

  kubectlContract(
    () => ({ kubeconfig: join(dir, 'kubeconfig'), kubectl, collectsGarbage: true }),
    `contract-${version.replace('.', '-')}`,
  );
});
