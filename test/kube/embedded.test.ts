import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { kubeconfigText, ownDefinitions, startApiServer, type ApiServer } from '@ifactor/lab/apiserver';
import { admissionContract } from './admission.ts';
import { kubectls } from './kubectl.ts';

const versions = [...(await kubectls())];
const ends = versions.filter((_, index) => index === 0 || index === versions.length - 1);

describe.each(ends)('the embedded API server and kubectl %s', (_, kubectl) => {
  let dir: string;
  let server: ApiServer;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ifactor-embedded-'));
    server = await startApiServer({ definitions: ownDefinitions(), token: 'secret', dataDir: dir });
    await writeFile(join(dir, 'kubeconfig'), kubeconfigText(server));
  });
  afterAll(async () => {
    await server?.close();
    await rm(dir, { recursive: true, force: true });
  });

  admissionContract(() => ({ kubeconfig: join(dir, 'kubeconfig'), kubectl }));
});
