import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kinds, LEGACY_FINALIZERS } from './kinds.ts';
import type { KindName } from './kinds.ts';
import { vethEnds } from './kind/veth.ts';
import { NetlinkInterfaceSpecSchema } from './netlinkInterface.ts';
import { admit, schemas } from '../testing/admission.ts';
import { linkEnds, WireGuardNetworkPlanSpecSchema } from './wireGuardNetworkPlan.ts';
import { WireGuardInterfaceSpecSchema } from './wireguardInterface.ts';

type Manifest = {
  apiVersion: string;
  kind: KindName;
  metadata: { name: string; finalizers?: string[] };
  spec: unknown;
};

const folder = new URL('../../examples/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

/** The documents of our kinds in one file. */
function read(path: string): Manifest[] {
  const documents = parseAllDocuments(readFileSync(new URL(path, folder), 'utf8'));
  return documents.map((document): Manifest => document.toJS()).filter(({ kind }) => kind in kinds);
}

/** What a manifest asks for, in whichever spelling; keys left out, as old manifests may hold them inline. */
function meaning({ kind, spec, metadata: { name } }: Manifest): unknown {
  if (kind === 'WireGuardInterface') {
    return { name, ...WireGuardInterfaceSpecSchema.parse(spec), privateKey: undefined, privateKeySecretRef: undefined };
  }
  if (kind === 'NetlinkInterface') {
    const netlink = NetlinkInterfaceSpecSchema.parse(spec);
    if (netlink.type !== 'veth') return { name, ...netlink, dummy: undefined };
    return { name, ...netlink, veth: vethEnds(netlink), addresses: undefined, container: undefined };
  }
  const { nodes, links, defaultPortRange } = WireGuardNetworkPlanSpecSchema.parse(spec);
  const ends = links.flatMap((link) => linkEnds(link).map((end) => ({ ...end, from: link.fromNode })));
  return ends.map(({ from, nodeName, addresses }) => {
    const node = nodes.find((one) => one.nodeName === from);
    return { ...node, to: nodeName, addresses: [...(node?.addresses ?? []), ...addresses], defaultPortRange };
  });
}

test('there is one file for each step of the walkthrough, in both spellings', () => {
  const wanted = ['lax1-wg1', 'lax1-wg2', 'nl1-dummy', 'nl2-bridge', 'veth', 'vxlan', 'wgp1'].map(
    (step) => `${step}.yaml`,
  );
  expect(files.toSorted()).toEqual(wanted);
  expect(readdirSync(new URL('old/', folder)).toSorted()).toEqual(wanted);
});

test.each(readdirSync(new URL('more/', folder)))('more/%s is admitted', (file) => {
  const manifests = read(`more/${file}`);
  expect(manifests.length).toBeGreaterThan(0);
  for (const { kind, spec } of manifests)
    expect(admit(schemas[kind], spec)).toMatchObject({ admitted: true, errors: [] });
});

describe.each(files)('%s', (file) => {
  test.each([file, `old/${file}`])('%s is admitted', (path) => {
    const manifests = read(path);
    expect(manifests.length).toBeGreaterThan(0);
    for (const { kind, apiVersion, spec } of manifests) {
      expect(apiVersion).toBe('networking.dn42.io/v1alpha1');
      expect(admit(schemas[kind], spec)).toMatchObject({ admitted: true, errors: [] });
    }
  });

  test('means the same in its old spelling', () => {
    expect(read(`old/${file}`).map(meaning)).toEqual(read(file).map(meaning));
  });

  test('may replace its old spelling, and be replaced by it', () => {
    const now = read(file);
    read(`old/${file}`).forEach(({ kind, spec }, i) => {
      expect(admit(schemas[kind], now[i]?.spec, spec).errors).toEqual([]);
      expect(admit(schemas[kind], spec, now[i]?.spec).errors).toEqual([]);
    });
  });

  test('carries a finalizer that is honoured in its old spelling', () => {
    for (const { metadata } of read(`old/${file}`)) {
      expect(metadata.finalizers).toHaveLength(1);
      expect(LEGACY_FINALIZERS).toEqual(expect.arrayContaining(metadata.finalizers ?? []));
    }
  });
});
