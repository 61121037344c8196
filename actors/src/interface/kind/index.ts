import { NetlinkInterfaceSpecSchema, WireGuardInterfaceSpecSchema } from '@ifactor/crds';
import type { InterfaceSpec, Key, NetlinkInterfaceSpec, NetlinkType } from '@ifactor/crds';
import type { KindRules } from '../diff/rules.ts';
import * as netlinkKinds from './registry.ts';
import { wireguard } from './wireguard.ts';

export type { Conflict, Difference, KindRules, Knowledge, Waiting } from '../diff/rules.ts';
export { pskFingerprint } from '../diff/fingerprint.ts';
export { markOf, nearMark } from '../diff/mark.ts';
export { privateKeyRef } from './wireguard.ts';

const byType: Record<NetlinkType, KindRules<NetlinkInterfaceSpec>> = netlinkKinds;

type Found = { rules: KindRules; spec: InterfaceSpec } | { problem: string };

// An actor asks for its rules at every decision, with the same frozen spec: reading it once is enough.
const read = new WeakMap<object, Found>();

/**
 * The rules for an object's spec, and the spec as its schema reads it (defaults filled in).
 * Where the spec breaks its schema: a sentence that names the fields.
 */
export function rulesOf(key: Key, spec: unknown): Found {
  if (typeof spec !== 'object' || spec === null) return { problem: 'spec is missing' };
  const known = read.get(spec);
  if (known) return known;
  const found = readSpec(key, spec);
  read.set(spec, found);
  if ('rules' in found) read.set(found.spec, found);
  return found;
}

function readSpec(key: Key, spec: object): Found {
  const schema = key.kind === 'wireguardinterface' ? WireGuardInterfaceSpecSchema : NetlinkInterfaceSpecSchema;
  const parsed = schema.safeParse(spec);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${['spec', ...path].join('.')}: ${message}`);
    return { problem: issues.join('; ') };
  }
  const { data } = parsed;
  // The rules of a kind read only specs of that kind: this is the one place that pairs them.
  return { rules: 'type' in data ? byType[data.type] : wireguard, spec: data };
}
