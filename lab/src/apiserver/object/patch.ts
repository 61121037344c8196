import jsonPatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';
import { isRecord } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import type { ServedResource } from '../schema/resource.ts';
import { ApiRefusal, badRequest } from '../status.ts';

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const out = new Map(isRecord(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) out.delete(name);
    else out.set(name, mergePatch(out.get(name), value));
  }
  return Object.fromEntries(out);
}

/** Directives of a strategic patch (order, retained keys). They have no effect because lists are replaced as a whole. */
const directive = (name: string): boolean => name.startsWith('$');

const plain = (value: unknown): unknown =>
  isRecord(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([name]) => !directive(name))
          .map(([name, inner]) => [name, plain(inner)]),
      )
    : value;

/** What a PATCH of a media type makes of an object. @throws ApiRefusal for a type that this resource does not take */
export function patched(resource: ServedResource, type: string, object: Json, patch: unknown): Json {
  const result = ((): unknown => {
    switch (type) {
      case 'application/merge-patch+json':
        return mergePatch(object, patch);
      case 'application/strategic-merge-patch+json':
        if (resource.custom) break;
        return mergePatch(object, plain(patch));
      case 'application/json-patch+json':
        try {
          return jsonPatch.applyPatch(structuredClone(object), patch as Operation[], true).newDocument;
        } catch (error) {
          throw new ApiRefusal(
            422,
            'Invalid',
            `the server rejected our request due to an error in our request: ${(error as Error).message.split('\n')[0]}`,
          );
        }
    }
    const types = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];
    throw new ApiRefusal(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`,
    );
  })();
  if (!isRecord(result)) throw badRequest('a patch must leave an object');
  return result;
}
