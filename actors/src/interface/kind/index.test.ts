import { expect, test } from 'vitest';
import { netlinkKey, wireguardKey } from '../../testing/rules.ts';
import { rulesOf } from './index.ts';

const bridge = { node: 'n1', interfaceName: 'br0', type: 'bridge', up: true };

test('a spec is read once, defaults and all, by the rules of its kind', () => {
  const spec = { ...bridge };
  const found = rulesOf(netlinkKey, spec);
  if ('problem' in found) throw new Error(found.problem);
  expect(found.spec).toMatchObject({ ...bridge, addresses: [] });
  expect(rulesOf(netlinkKey, spec)).toBe(found);
  expect(rulesOf(netlinkKey, found.spec)).toBe(found);
  expect(rulesOf(netlinkKey, { ...spec })).not.toBe(found);
  const tunnel = rulesOf(wireguardKey, { node: 'n1', interfaceName: 'wg0' });
  if ('problem' in tunnel) throw new Error(tunnel.problem);
  expect(tunnel.rules.secrets(tunnel.spec)).toEqual(['privateKey']);
});

test('what is wrong with a spec is said field by field', () => {
  expect(rulesOf(netlinkKey, undefined)).toEqual({ problem: 'spec is missing' });
  expect(rulesOf(netlinkKey, null)).toEqual({ problem: 'spec is missing' });
  expect(rulesOf(netlinkKey, 'bridge')).toEqual({ problem: 'spec is missing' });
  const found = rulesOf(netlinkKey, { ...bridge, mtu: 1, interfaceName: 'a b' });
  const problem = 'problem' in found ? found.problem : '';
  expect(problem.split('; ').map((line) => line.split(':')[0])).toEqual(['spec.interfaceName', 'spec.mtu']);
  expect(rulesOf(wireguardKey, { node: 'n1', interfaceName: 'wg0', peers: [{ publicKey: 'x' }] })).toMatchObject({
    problem: expect.stringMatching(/^spec\.peers\.0\.publicKey: /) as string,
  });
});
