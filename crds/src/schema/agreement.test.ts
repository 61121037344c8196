import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { definitions } from '../manifest/crd.ts';
import type { KindName } from './kinds.ts';
import { admit, schemas } from '../testing/admission.ts';
import { bad, good, legal } from '../testing/manifests.ts';

/** Runs both validators and asserts that they agree; returns their common verdict and all messages. */
function judge(kind: KindName, spec: unknown): { admitted: boolean; said: string } {
  const byZod = definitions[kind].spec.safeParse(spec);
  const byServer = admit(schemas[kind], spec);
  const said = [
    ...byServer.errors,
    ...(byZod.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  ];
  expect({ admitted: byServer.admitted, said }).toEqual({ admitted: byZod.success, said });
  // Defaults within lists, which the server does not apply, must be the same on both sides.
  expect(byZod.data).toEqual(byServer.admitted ? definitions[kind].spec.parse(byServer.value) : undefined);
  return { admitted: byZod.success, said: said.join('\n') };
}

describe('zod and the API server refuse the same', () => {
  test.each(good)('$kind admitted: $why', ({ kind, spec }) => {
    expect(judge(kind, spec)).toMatchObject({ admitted: true, said: '' });
  });

  test.each(bad)('$kind refused: $why', ({ kind, spec, names }) => {
    const { admitted, said } = judge(kind, spec);
    expect(admitted).toBe(false);
    expect(said).toContain(names);
  });

  test('for any mixture of good and bad fields', () => {
    for (const kind of ['WireGuardNetworkPlan', 'WireGuardInterface', 'NetlinkInterface'] as const) {
      const admitted: boolean[] = [];
      fc.assert(
        fc.property(legal[kind], (spec) => void admitted.push(judge(kind, spec).admitted)),
        { numRuns: 1000 },
      );
      // Both verdicts must be frequent, so that the rules between fields are reached.
      const share = admitted.filter(Boolean).length / admitted.length;
      expect(share).toBeGreaterThan(0.02);
      expect(share).toBeLessThan(0.98);
    }
  });
});

test('no list comes back other than it was sent, so that kubectl finds it unchanged', () => {
  const lists = (value: unknown): unknown[] =>
    Array.isArray(value)
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(lists)
        : [];
  let seen = 0;
  for (const { kind, spec } of good.filter(({ why }) => !why.includes('pruned'))) {
    const sent = lists(spec);
    seen += sent.length;
    const { value } = admit(schemas[kind], spec);
    const kept = lists(value).filter((list) => (list as unknown[]).length > 0);
    expect(kept).toEqual(expect.arrayContaining(sent.filter((list) => (list as unknown[]).length > 0)));
  }
  expect(seen).toBeGreaterThan(10);
});

describe('rules about changes', () => {
  const wireguard = { node: 'lax1', interfaceName: 'wg1' };
  const bridge = { node: 'lax1', interfaceName: 'br1', type: 'bridge', up: true };
  const container = { docker: { name: 'agent1' } };

  test('the node cannot change', () => {
    expect(admit(schemas.WireGuardInterface, { ...wireguard, node: 'lax2' }, wireguard).errors.join()).toContain(
      'node is immutable',
    );
    expect(admit(schemas.NetlinkInterface, { ...bridge, node: 'lax2' }, bridge).errors.join()).toContain(
      'node is immutable',
    );
    expect(admit(schemas.WireGuardInterface, { ...wireguard, mtu: 1400 }, wireguard).admitted).toBe(true);
  });

  test('a NetlinkInterface stays in its container, a WireGuardInterface may move', () => {
    const inside = { ...bridge, container };
    const elsewhere = { ...bridge, container: { docker: { name: 'agent2' } } };
    for (const [from, to] of [
      [bridge, inside],
      [inside, bridge],
      [inside, elsewhere],
    ]) {
      expect(admit(schemas.NetlinkInterface, to, from).errors.join()).toContain('container is immutable');
    }
    expect(admit(schemas.NetlinkInterface, { ...inside, mtu: 1400 }, inside).admitted).toBe(true);
    expect(
      admit(schemas.WireGuardInterface, { ...wireguard, moveToContainer: true, container }, wireguard).admitted,
    ).toBe(true);
  });
});
