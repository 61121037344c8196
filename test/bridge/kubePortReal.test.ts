import { createKubeApi } from '@ifactor/bridge/kube';
import { kubeSuite } from '@ifactor/bridge/testing';
import { emptyApi } from './api.ts';

kubeSuite('kube-apiserver', async () => createKubeApi((await emptyApi('real')).client));
