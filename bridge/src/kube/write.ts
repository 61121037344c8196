import { answered } from './error.ts';
import type { KubeObject } from './object.ts';
import type { KubeApi } from './port.ts';
import type { Resource } from './resource.ts';

/** The field manager that owns `/status` and the finalizers. */
const fieldManager = 'ifactor';

/**
 * Writes a whole status to the object read.
 * @returns false where the server answered that the object is gone or another, so that there is nothing left to write
 */
export function applyStatus(api: KubeApi, resource: Resource, object: KubeObject, status: unknown): Promise<boolean> {
  const { name, namespace, uid } = object.metadata;
  const metadata = { name, uid, ...(namespace !== undefined && { namespace }) };
  return unlessGone(api.applyStatus(resource, { metadata, status }, { fieldManager }));
}

/** Sets the finalizers of the very version read. @returns false where there is a newer version, or no object */
export function setFinalizers(
  api: KubeApi,
  resource: Resource,
  { metadata }: KubeObject,
  finalizers: readonly string[],
): Promise<boolean> {
  const { uid, resourceVersion } = metadata;
  const change = { metadata: { uid, resourceVersion, finalizers } };
  return unlessGone(api.merge(resource, metadata, change, { fieldManager }));
}

/** @returns false where the server answered that the object is gone or has changed (404, 409) */
export async function unlessGone(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (answered(error, 404, 409)) return false;
    throw error;
  }
}
