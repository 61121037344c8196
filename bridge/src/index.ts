export { startBridge } from './bridge.ts';
export type { Bridge, BridgeOptions } from './bridge.ts';
export { answerQuestions } from './stream/answers.ts';
export { createClient } from './kube/client.ts';
export type { Client } from './kube/client.ts';
export { readKubeconfig } from './kube/kubeconfig.ts';
export type { Access } from './kube/kubeconfig.ts';
export { ApiError, answered } from './kube/error.ts';
export type { KubeObject } from './kube/object.ts';
