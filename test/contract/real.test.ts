import { describe, inject } from 'vitest';
import { newestKubectl } from '../kube/kubectl.ts';
import { kubectlContract } from './contract.ts';

const kube = inject('kube');

// The contract itself is put to the real server: what only the embedded one does is no contract.
describe.skipIf('unavailable' in kube)('a real kube-apiserver', () => {
  kubectlContract(
    () => ({
      kubeconfig: 'kubeconfig' in kube ? kube.kubeconfig : '',
      kubectl: newestKubectl(),
      collectsGarbage: 'collectsGarbage' in kube && kube.collectsGarbage,
    }),
    'contract',
  );
});
