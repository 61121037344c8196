/** Names within metadata: keys of labels and annotations, values of labels, finalizers. Source: apimachinery, pkg/util/validation. */
import { isRecord, list } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import type { FieldCause } from '../status.ts';

const name = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** Of all keys and values of an object's annotations. */
const annotationBytes = 256 * 1024;

const nameRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** What is wrong with `NAME` or `DOMAIN/NAME`; undefined if nothing is. */
function wrongWithKey(key: string): string | undefined {
  const parts = key.split('/');
  if (parts.length > 2) return `a qualified name must have at most one '/'; ${nameRule}`;
  const [prefix, last] = parts.length === 2 ? [parts[0]!, parts[1]!] : [undefined, key];
  if (prefix !== undefined && (prefix.length > 253 || !subdomain.test(prefix)))
    return 'prefix part must be a lowercase RFC 1123 subdomain of no more than 253 characters';
  if (last.length > 63) return 'name part must be no more than 63 characters';
  return name.test(last) ? undefined : nameRule;
}

/** What is wrong with the value of a label; undefined if nothing is. */
function wrongWithLabel(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters';
  return value === '' || name.test(value)
    ? undefined
    : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
}

const cause = (field: string, value: string, why: string): FieldCause => ({
  reason: 'FieldValueInvalid',
  field: `metadata.${field}`,
  message: `Invalid value: ${JSON.stringify(value.slice(0, 300))}: ${why}`,
});

/** What is wrong with the labels, annotations and finalizers of metadata, whose types were checked before. */
export function wrongKeys(metadata: Json): FieldCause[] {
  const causes: FieldCause[] = [];
  const check = (field: string, value: string, why: string | undefined): void => {
    if (why !== undefined) causes.push(cause(field, value, why));
  };
  const entries = (field: string): [string, unknown][] => {
    const map = metadata[field];
    return isRecord(map) ? Object.entries(map) : [];
  };
  for (const [key, value] of entries('labels')) {
    check('labels', key, wrongWithKey(key));
    check('labels', String(value), wrongWithLabel(String(value)));
  }
  let sizeBytes = 0;
  for (const [key, value] of entries('annotations')) {
    check('annotations', key, wrongWithKey(key.toLowerCase()));
    sizeBytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
  }
  if (sizeBytes > annotationBytes)
    causes.push({
      reason: 'FieldValueTooLong',
      field: 'metadata.annotations',
      message: `Too long: may not be more than ${annotationBytes} bytes`,
    });
  for (const finalizer of list(metadata['finalizers']))
    check('finalizers', String(finalizer), wrongWithKey(String(finalizer)));
  return causes;
}
