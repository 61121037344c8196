import { describe, expect, test } from 'vitest';
import { crdYaml, staleKinds } from './generate.ts';
import { parse } from 'yaml';
import { customResourceDefinition, definitions } from './crd.ts';
import { structural } from './structural.ts';
import { z } from 'zod';

const names = ['WireGuardNetworkPlan', 'WireGuardInterface', 'NetlinkInterface'] as const;

type Field = {
  description?: string;
  properties?: Record<string, Field>;
  items?: Field;
  required?: string[];
  'x-kubernetes-list-map-keys'?: string[];
};

/** Every field below a schema, as `path: description`. */
function fields({ properties = {}, items }: Field, path = ''): { path: string; description: string | undefined }[] {
  return [
    ...Object.entries(properties).flatMap(([name, field]) => [
      { path: `${path}.${name}`, description: field.description },
      ...fields(field, `${path}.${name}`),
    ]),
    ...(items === undefined ? [] : fields(items, `${path}[]`)),
  ];
}

/** The lists below a schema that Kubernetes keeps unique by keys. */
function keyedLists({ properties = {}, items, ...own }: Field): { keys: string[]; required: string[] }[] {
  const keys = own['x-kubernetes-list-map-keys'];
  return [
    ...(keys === undefined ? [] : [{ keys, required: items?.required ?? [] }]),
    ...[...Object.values(properties), ...(items === undefined ? [] : [items])].flatMap(keyedLists),
  ];
}

describe.each(names)('the definition of %s', (name) => {
  const { spec, status, columns } = definitions[name];
  const schemas = { spec: structural(spec), status: structural(status) };

  test('describes every field', () => {
    const all = [...fields(schemas.spec, 'spec'), ...fields(schemas.status, 'status')];
    expect(all.length).toBeGreaterThan(20);
    expect(all.filter(({ description }) => (description ?? '').length < 8)).toEqual([]);
  });

  test('has columns whose paths exist', () => {
    const known = new Set([
      'kind',
      'metadata.creationTimestamp',
      ...fields(schemas.spec, 'spec')
        .concat(fields(schemas.status, 'status'))
        .map(({ path }) => path),
    ]);
    const paths = columns.map(({ jsonPath }) => jsonPath.slice(1).replace(/\[\?.*?\]/, '[]'));
    expect(paths.filter((path) => !known.has(path))).toEqual([]);
  });

  test('asks for keys where a list is keyed, since Kubernetes needs them', () => {
    const lists = [...keyedLists(schemas.spec), ...keyedLists(schemas.status)];
    expect(lists.length).toBeGreaterThan(0);
    for (const { keys, required } of lists) expect(required).toEqual(expect.arrayContaining(keys));
  });

  test('holds no private key in its status', () => {
    expect(JSON.stringify(schemas.status)).not.toMatch(/"(privateKey|presharedKey)"/i);
  });

  test('survives the way through YAML', () => {
    expect(parse(crdYaml(name))).toEqual(JSON.parse(JSON.stringify(customResourceDefinition(name))));
    // Some YAML readers take other spaces and line ends for their own.
    expect(crdYaml(name)).toMatch(/^[\n\x20-\x7e]*$/);
  });
});

test('the committed YAML is what the schemas say', () => {
  expect(staleKinds()).toEqual([]);
});

test('what a structural schema cannot say is refused with its place', () => {
  expect(() => structural(z.object({ a: z.object({ b: z.union([z.string(), z.int()]) }) }))).toThrow(/a\.b.*anyOf/);
  expect(() => structural(z.object({ a: z.record(z.string(), z.string()) }))).toThrow(/a: /);
});
