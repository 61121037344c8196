import type { Json } from '@ifactor/common/json';
import { ApiRefusal } from '../status.ts';

/** Before a protobuf body. Source: apimachinery, pkg/runtime/serializer/protobuf. */
const magic = Buffer.from('k8s\0', 'latin1');

type Field = { number: number; value: number | Buffer };

function* fields(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new RangeError('a number ends early');
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (tag % 8 === 0) yield { number, value: varint() };
    else if (tag % 8 === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new RangeError('a field ends early');
      yield { number, value: bytes.subarray(at, (at += length)) };
    } else throw new RangeError(`wire type ${tag % 8} is not supported`);
  }
}

/** How a field of a message is read into JSON. */
type Reader = { name: string; read: 'text' | 'bytes' | 'bool' | 'map' | 'byteMap' | 'texts' | Message };
type Message = { [number: number]: Reader };

const objectMeta: Message = {
  1: { name: 'name', read: 'text' },
  2: { name: 'generateName', read: 'text' },
  3: { name: 'namespace', read: 'text' },
  11: { name: 'labels', read: 'map' },
  12: { name: 'annotations', read: 'map' },
  14: { name: 'finalizers', read: 'texts' },
};
const metadata: Reader = { name: 'metadata', read: objectMeta };
const attributes: Message = Object.fromEntries(
  ['namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name'].map((name, at) => [
    at + 1,
    { name, read: 'text' },
  ]),
);
const accessSpec: Message = {
  1: { name: 'resourceAttributes', read: attributes },
  2: { name: 'nonResourceAttributes', read: { 1: { name: 'path', read: 'text' }, 2: { name: 'verb', read: 'text' } } },
};
/** The kinds that kubectl sends so. Source: k8s.io/api, generated.proto of core/v1, authorization/v1 and authentication/v1. */
const messages: { [kind: string]: Message } = {
  Namespace: { 1: metadata },
  Secret: {
    1: metadata,
    2: { name: 'data', read: 'byteMap' },
    3: { name: 'type', read: 'text' },
    4: { name: 'stringData', read: 'map' },
    5: { name: 'immutable', read: 'bool' },
  },
  ConfigMap: {
    1: metadata,
    2: { name: 'data', read: 'map' },
    3: { name: 'binaryData', read: 'byteMap' },
    4: { name: 'immutable', read: 'bool' },
  },
  SelfSubjectAccessReview: { 2: { name: 'spec', read: accessSpec } },
  SelfSubjectRulesReview: { 2: { name: 'spec', read: { 1: { name: 'namespace', read: 'text' } } } },
  SelfSubjectReview: {},
};

function decode(bytes: Buffer, message: Message): Json {
  const out: Json = {};
  for (const { number, value } of fields(bytes)) {
    const reader = message[number];
    if (!reader) continue;
    const { name, read } = reader;
    if (read === 'bool') out[name] = value !== 0;
    else if (typeof value === 'number') continue;
    else if (read === 'text') {
      if (value.length > 0) out[name] = value.toString();
    } else if (read === 'bytes') out[name] = value.toString('base64');
    else if (read === 'texts') out[name] = [...((out[name] as string[] | undefined) ?? []), value.toString()];
    else if (read === 'map' || read === 'byteMap') {
      const pair = [...fields(value)];
      const part = (at: number): Buffer =>
        (pair.find((field) => field.number === at)?.value as Buffer | undefined) ?? Buffer.alloc(0);
      out[name] = {
        ...(out[name] as Json | undefined),
        [part(1).toString()]: part(2).toString(read === 'map' ? 'utf8' : 'base64'),
      };
    } else out[name] = decode(value, read);
  }
  return out;
}

/**
 * The object in a protobuf body of Namespace, Secret or ConfigMap, or, of any kind, DeleteOptions (read as empty).
 * @throws ApiRefusal 415 for other kinds
 */
export function decodeProtobuf(body: Buffer): Json {
  if (!body.subarray(0, 4).equals(magic)) throw new ApiRefusal(400, 'BadRequest', 'the body is no Kubernetes protobuf');
  let kind = '';
  let apiVersion = '';
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, value } of fields(body.subarray(4))) {
    if (typeof value === 'number') continue;
    if (number === 1)
      for (const inner of fields(value)) {
        if (inner.number === 1) apiVersion = String(inner.value);
        if (inner.number === 2) kind = String(inner.value);
      }
    if (number === 2) raw = value;
  }
  if (kind === 'DeleteOptions') return { kind, apiVersion };
  const message = messages[kind];
  if (!message)
    throw new ApiRefusal(
      415,
      'UnsupportedMediaType',
      `the lab's embedded API server reads protobuf of ${Object.keys(messages).join(', ')} only, not of ${kind || 'this'}; send JSON`,
    );
  return { kind, apiVersion, ...decode(raw, message) };
}
