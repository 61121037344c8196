import type { TestProject } from 'vitest/node';
import { KubeUnavailable } from './error.ts';
import { startKube, type Kube } from './server.ts';

/** The lane's real API server, or why this machine has none. */
export type RealKube = Omit<Kube, 'stop' | 'apiserver'> | { unavailable: string };

declare module 'vitest' {
  export interface ProvidedContext {
    kube: RealKube;
  }
}

/** Starts one real API server for all files of the lane; the first time on a machine this builds it, for minutes. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  try {
    const kube = await startKube({ report: (line) => console.log(`kube: ${line}`) });
    const { kubeconfig, url, token, caFile, collectsGarbage } = kube;
    project.provide('kube', { kubeconfig, url, token, caFile, collectsGarbage });
    return () => kube.stop();
  } catch (error) {
    if (!(error instanceof KubeUnavailable)) throw error;
    console.warn(`kube: ${error.message}`);
    project.provide('kube', { unavailable: error.message });
    return async () => {};
  }
}
