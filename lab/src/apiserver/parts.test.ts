import { describe, expect, it } from 'vitest';
import { mergePatch, patched } from './object/patch.ts';
import { decodeProtobuf } from './http/protobuf.ts';
import { ownDefinitions } from './index.ts';
import { servedResourceOf, secrets } from './schema/resource.ts';
import { labelTest } from './storage/selector.ts';
import { atPath, humanDuration } from './http/table.ts';

describe('patches', () => {
  it('follow RFC 7386', () => {
    expect(mergePatch({ a: 'b', c: { d: 'e', f: 'g' } }, { a: 'z', c: { f: null } })).toEqual({
      a: 'z',
      c: { d: 'e' },
    });
    expect(mergePatch({ a: [1] }, { a: [2, 3], b: { x: null } })).toEqual({ a: [2, 3], b: {} });
  });

  it('of the strategic kind are for built-in kinds only', () => {
    const [custom] = ownDefinitions().map(servedResourceOf);
    const type = 'application/strategic-merge-patch+json';
    expect(patched(secrets, type, { data: { a: '1', b: '2' } }, { data: { a: null } })).toEqual({ data: { b: '2' } });
    expect(() => patched(custom!, type, {}, {})).toThrow('accepted media types');
  });
});

describe('label selectors', () => {
  const object = { metadata: { labels: { app: 'x', tier: 'front' } } };
  it.each([
    ['app=x', true],
    ['app==x,tier!=back', true],
    ['app!=x', false],
    ['app in (x, y),tier', true],
    ['tier notin (front)', false],
    ['missing notin (a)', true],
    ['!missing', true],
    ['!app', false],
    ['', true],
  ])('%s', (selector, holds) => expect(labelTest(selector)(object)).toBe(holds));

  it('that are malformed are refused', () => expect(() => labelTest('a in b')).toThrow('unable to parse'));
});

function field(number: number, bytes: Buffer | string): Buffer {
  const value = Buffer.from(bytes);
  return Buffer.concat([Buffer.from([number * 8 + 2, value.length]), value]);
}

it('reads a ConfigMap that kubectl sent as protobuf', () => {
  const entry = Buffer.concat([field(1, 'key'), field(2, 'value')]);
  const raw = Buffer.concat([field(1, Buffer.concat([field(1, 'c1'), field(3, 'default')])), field(2, entry)]);
  const type = Buffer.concat([field(1, 'v1'), field(2, 'ConfigMap')]);
  const body = Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, raw)]);
  expect(decodeProtobuf(body)).toMatchObject({
    kind: 'ConfigMap',
    metadata: { name: 'c1', namespace: 'default' },
    data: { key: 'value' },
  });
  expect(() => decodeProtobuf(Buffer.from('{}'))).toThrow('no Kubernetes protobuf');
});

it('finds what printer columns name', () => {
  const object = {
    status: {
      conditions: [
        { type: 'A', status: 'x' },
        { type: 'Ready', status: 'True' },
      ],
    },
    list: [1, 2],
  };
  expect(atPath(object, '.status.conditions[?(@.type=="Ready")].status')).toBe('True');
  expect(atPath(object, '.list[1]')).toBe(2);
  expect(atPath(object, '.status.nothing.here')).toBeUndefined();
});

it.each([
  [5, '5s'],
  [119, '119s'],
  [130, '2m10s'],
  [600, '10m'],
  [3600 * 3, '3h'],
  [3600 * 3 + 60, '3h1m'],
  [3600 * 50, '2d2h'],
  [86400 * 9, '9d'],
])('prints %s s as kubectl does', (seconds, printed) => expect(humanDuration(seconds * 1000)).toBe(printed));
