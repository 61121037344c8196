/** metadata, which is the same for every kind. Source: apimachinery, pkg/apis/meta/v1 and pkg/api/validation. */
import { isRecord, list, part, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import type { ServedResource } from '../schema/resource.ts';
import { wrongKeys } from './keys.ts';
import { badRequest, invalid } from '../status.ts';
import type { FieldCause } from '../status.ts';

const isText = (value: unknown): boolean => typeof value === 'string';
const isTextMap = (value: unknown): boolean => isRecord(value) && Object.values(value).every(isText);

/** The metadata fields that a client may send, with their types. Others are dropped or set by the server. */
const decodes: { [field: string]: { as: string; fits: (value: unknown) => boolean } } = {
  name: { as: 'string', fits: isText },
  generateName: { as: 'string', fits: isText },
  namespace: { as: 'string', fits: isText },
  uid: { as: 'string', fits: isText },
  resourceVersion: { as: 'string', fits: isText },
  labels: { as: 'map of strings', fits: isTextMap },
  annotations: { as: 'map of strings', fits: isTextMap },
  finalizers: { as: 'list of strings', fits: (value) => Array.isArray(value) && value.every(isText) },
  ownerReferences: {
    as: 'list of owner references',
    fits: (value) => Array.isArray(value) && value.every((one) => one === null || isRecord(one)),
  },
  managedFields: { as: 'list of managers', fits: (value) => Array.isArray(value) },
};

/** Set by the server only: a client's value is dropped at creation, and an update keeps the stored value. */
const system = new Set([
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'selfLink',
]);

/**
 * The metadata of an object that a client sent, without the fields that only the server sets; null counts as absent.
 * @param unknown called with the path of each field that is not part of metadata
 * @throws ApiRefusal 400 where a field has another type
 */
export function readMetadata(resource: ServedResource, sent: Json, unknown: (field: string) => void = () => {}): Json {
  const metadata = sent['metadata'];
  if (metadata === undefined || metadata === null) return {};
  const refuse = (field: string, as: string): Error =>
    badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${field} must be a ${as}`,
    );
  if (!isRecord(metadata)) throw refuse('metadata', 'map');
  return Object.fromEntries(
    Object.entries(metadata).filter(([field, value]) => {
      if (value === null || system.has(field)) return false;
      const type = Object.hasOwn(decodes, field) ? decodes[field] : undefined;
      if (!type) unknown(`metadata.${field}`);
      else if (!type.fits(value)) throw refuse(`metadata.${field}`, type.as);
      return type !== undefined;
    }),
  );
}

/** @throws ApiRefusal 422 on malformed labels, annotations or finalizers, and on an owner that is not named in full */
export function checkMetadata(resource: ServedResource, metadata: Json): void {
  const owners = list(metadata['ownerReferences']).flatMap((owner, at): FieldCause[] =>
    ['apiVersion', 'kind', 'name', 'uid']
      .filter((field) => text(owner, field) === '')
      .map((field) => ({
        reason: 'FieldValueInvalid',
        field: `metadata.ownerReferences[${at}].${field}`,
        message: `Invalid value: ${JSON.stringify(part({ owner }, 'owner')[field] ?? '')}: must not be empty`,
      })),
  );
  const causes = [...wrongKeys(metadata), ...owners];
  if (causes.length > 0) throw invalid(resource, text(metadata['name']), causes);
}
