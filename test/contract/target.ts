import { expect } from 'vitest';
import { kubectl, type Ran } from '../kube/kubectl.ts';

/** An API server under test that has the CRDs, and the kubectl to talk to it with. */
export interface Target {
  kubeconfig: string;
  kubectl: string;
  /** Whether owner references and namespaces are collected. */
  collectsGarbage: boolean;
}

export interface Client {
  /** Runs kubectl in the test's namespace, whatever its exit code. */
  run: (args: string[], input?: string) => Promise<Ran>;
  /** The same, and what it printed. Fails the test where kubectl does. */
  ok: (args: string[], input?: string) => Promise<string>;
  /** The same, and what it complained about. Fails the test where kubectl succeeds. */
  refused: (args: string[], input?: string) => Promise<string>;
  /** An object as it stands. */
  read: (kind: string, name: string) => Promise<Stored>;
}

export interface Stored {
  metadata: {
    generation: number;
    resourceVersion: string;
    uid: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    managedFields?: { manager: string; operation: string; subresource?: string; fieldsV1: object }[];
  };
  spec: { mtu?: number; addresses?: { ipcidr: string }[]; bridge?: { slaves?: string[] } };
  data?: Record<string, string>;
  status?: object;
}

export function clientOf(target: () => Target, namespace: string): Client {
  const run = (args: string[], input?: string): Promise<Ran> =>
    kubectl(target().kubectl, target().kubeconfig, ['--namespace', namespace, ...args], input);
  const ok = async (args: string[], input?: string): Promise<string> => {
    const { code, stdout, stderr } = await run(args, input);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };
  const refused = async (args: string[], input?: string): Promise<string> => {
    const { code, stdout, stderr } = await run(args, input);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    return stderr;
  };
  const read = async (kind: string, name: string): Promise<Stored> =>
    JSON.parse(await ok(['get', kind, name, '-o', 'json', '--show-managed-fields']));
  return { run, ok, refused, read };
}

/** A bridge as a manifest, which is the smallest legal object of ours. */
export const bridge = (name: string, spec: object = {}, metadata: object = {}): string =>
  JSON.stringify({
    apiVersion: 'networking.dn42.io/v1alpha1',
    kind: 'NetlinkInterface',
    metadata: { name, ...metadata },
    spec: { node: 'lax1', interfaceName: 'br0', type: 'bridge', up: true, ...spec },
  });
