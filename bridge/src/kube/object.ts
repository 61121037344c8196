/** The part of `metadata` that the bridge reads. */
export type Metadata = {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
};

export type OwnerReference = {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
};

/** Any API object as JSON. Only `metadata` can be relied on: schemas can be loosened. */
export type KubeObject = {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [field: string]: unknown;
};

/** `namespace/name`, as Kubernetes tools write it. */
export function keyOf({ metadata }: { metadata: Pick<Metadata, 'namespace' | 'name'> }): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
