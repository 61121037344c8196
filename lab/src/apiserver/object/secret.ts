/** What a Secret may hold. Source: kubernetes, pkg/apis/core/v1 (conversion) and pkg/apis/core/validation. */
import { isRecord, part, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { secrets } from '../schema/resource.ts';
import { badRequest, invalid } from '../status.ts';

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const legalKey = /^(?!\.{1,2}$|\.\.)[-._a-zA-Z0-9]{1,253}$/;

const decodes: { [field: string]: { as: string; fits: (value: unknown) => boolean } } = {
  type: { as: 'string', fits: (value) => typeof value === 'string' },
  immutable: { as: 'bool', fits: (value) => typeof value === 'boolean' },
  data: { as: 'map of base64 strings', fits: isTextMap },
  stringData: { as: 'map of strings', fits: isTextMap },
};
const envelope = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * A Secret as it is stored: `stringData` becomes `data`, fields that no Secret has are dropped.
 * @throws ApiRefusal 400 where a field has another type, 422 where a key is not legal
 */
export function readSecret(sent: Json): Json {
  const secret = Object.fromEntries(
    Object.entries(sent).filter(([field, value]) => {
      if (envelope.has(field)) return true;
      const type = Object.hasOwn(decodes, field) ? decodes[field] : undefined;
      if (type === undefined || value === null) return false;
      if (!type.fits(value)) throw cannotHandle(`${field} must be a ${type.as}`);
      return true;
    }),
  );
  const { stringData, ...stored } = secret;
  const given = Object.entries(part(stored, 'data')).map(([key, value]) => [
    key,
    text(value).replaceAll(/[\r\n]/g, ''),
  ]);
  if (given.some(([, value]) => !base64.test(value ?? ''))) throw cannotHandle('illegal base64 data in data');
  const plain = Object.entries(isRecord(stringData) ? stringData : {});
  const encoded = plain.map(([key, value]) => [key, Buffer.from(text(value)).toString('base64')]);
  const data: Json = Object.fromEntries([...given, ...encoded]);
  const causes = Object.keys(data)
    .filter((key) => !legalKey.test(key))
    .map((key) => ({
      reason: 'FieldValueInvalid',
      field: `data[${key}]`,
      message: `Invalid value: ${JSON.stringify(key)}: a valid config key must consist of alphanumeric characters, '-', '_' or '.'`,
    }));
  if (causes.length > 0) throw invalid(secrets, text(part(stored, 'metadata')['name']), causes);
  delete stored['data'];
  return { ...stored, ...(Object.keys(data).length > 0 && { data }), type: text(stored['type']) || 'Opaque' };
}

const cannotHandle = (why: string): Error => badRequest(`Secret in version "v1" cannot be handled as a Secret: ${why}`);

function isTextMap(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((one) => typeof one === 'string' || one === null);
}
