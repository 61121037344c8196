import { createKubeApi } from '@ifactor/bridge/kube';
import { kubeSuite } from '@ifactor/bridge/testing';
import { emptyApi } from './api.ts';

kubeSuite("the lab's API server", async () => createKubeApi((await emptyApi('lab')).client));
