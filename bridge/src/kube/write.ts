import type { Client } from './client.ts';
import { answered } from './error.ts';
import type { KubeObject } from './object.ts';
import { apiVersionOf, pathOf } from './resource.ts';
import type { Resource } from './resource.ts';

/** The manager that owns `/status` and the finalizers. */
export const fieldManager = 'ifactor';

/**
 * Server-side apply of a whole status to the very object read (by uid): fields left out are removed.
 * @returns false where the object is gone or is another by now, so that there is nothing left to write
 */
export async function applyStatus(
  client: Client,
  resource: Resource,
  object: KubeObject,
  status: unknown,
): Promise<boolean> {
  const { name, namespace, uid } = object.metadata;
  const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: { name, namespace, uid }, status };
  return unlessGone(
    client.call('PATCH', pathOf(resource, namespace, name, 'status'), {
      patch: 'apply',
      query: { fieldManager, force: true },
      body,
    }),
  );
}

/** Sets the finalizers of the very version read. @returns false where there is a newer one, or none */
export async function setFinalizers(
  client: Client,
  resource: Resource,
  object: KubeObject,
  finalizers: string[],
): Promise<boolean> {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return unlessGone(
    client.call('PATCH', pathOf(resource, namespace, name), {
      patch: 'merge',
      query: { fieldManager },
      // The API server refuses the patch (409) if either has changed.
      body: { metadata: { uid, resourceVersion, finalizers } },
    }),
  );
}

export async function unlessGone(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (answered(error, 404, 409)) return false;
    throw error;
  }
}
