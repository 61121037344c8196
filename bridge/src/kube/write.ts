import { answered } from './error.ts';
import type { KubeObject } from './object.ts';
import type { KubeApi } from './port.ts';
import type { Resource } from './resource.ts';

/** The field manager that owns `/status` and the finalizers. */
const fieldManager = 'ifactor';

/**
 * Writes a whole status to the object read.
 * @returns false if the server responded that the object is gone or replaced, so that there is nothing left to write
 */
export function writeStatus(api: KubeApi, resource: Resource, object: KubeObject, status: unknown): Promise<boolean> {
  const { name, namespace, uid } = object.metadata;
  const call = api.writeStatus(resource, { namespace, name, uid }, status, { fieldManager });
  return unlessAnother(api, resource, object, call);
}

/** Sets the finalizers of exactly the version read. @returns false if there is a newer version, or no object */
export function setFinalizers(
  api: KubeApi,
  resource: Resource,
  object: KubeObject,
  finalizers: readonly string[],
): Promise<boolean> {
  const { metadata } = object;
  const { uid, resourceVersion } = metadata;
  const change = { metadata: { uid, resourceVersion, finalizers } };
  return unlessAnother(api, resource, object, api.merge(resource, metadata, change, { fieldManager }));
}

/** As `unlessGone`; a refusal as invalid (422) counts too if the object of that name was replaced or deleted. */
async function unlessAnother(
  api: Pick<KubeApi, 'get'>,
  resource: Resource,
  { metadata: { namespace, name, uid } }: KubeObject,
  call: Promise<unknown>,
): Promise<boolean> {
  try {
    return await unlessGone(call);
  } catch (error) {
    if (!answered(error, 422)) throw error;
    const live = await api.get(resource, { namespace, name });
    if (live?.metadata.uid === uid) throw error;
    return false;
  }
}

/** @returns false if the server responded that the object is gone or has changed (404, 409) */
export async function unlessGone(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (answered(error, 404, 409)) return false;
    throw error;
  }
}
