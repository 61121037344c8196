import { expect, test } from 'vitest';
import { netlinkKey, wireguardKey } from '../../testing/driver.ts';
import { driverOf } from './index.ts';

const bridge = { node: 'n1', interfaceName: 'br0', type: 'bridge', up: true };

test('a spec is read once, defaults and all, by the driver of its kind', () => {
  const spec = { ...bridge };
  const found = driverOf(netlinkKey, spec);
  if ('problem' in found) throw new Error(found.problem);
  expect(found.spec).toMatchObject({ ...bridge, addresses: [] });
  expect(driverOf(netlinkKey, spec)).toBe(found);
  expect(driverOf(netlinkKey, found.spec)).toBe(found);
  expect(driverOf(netlinkKey, { ...spec })).not.toBe(found);
  const tunnel = driverOf(wireguardKey, { node: 'n1', interfaceName: 'wg0' });
  if ('problem' in tunnel) throw new Error(tunnel.problem);
  expect(tunnel.driver.secrets(tunnel.spec)).toEqual(['privateKey']);
});

test('what is wrong with a spec is said field by field', () => {
  expect(driverOf(netlinkKey, undefined)).toEqual({ problem: 'spec is missing' });
  expect(driverOf(netlinkKey, null)).toEqual({ problem: 'spec is missing' });
  expect(driverOf(netlinkKey, 'bridge')).toEqual({ problem: 'spec is missing' });
  const found = driverOf(netlinkKey, { ...bridge, mtu: 1, interfaceName: 'a b' });
  const problem = 'problem' in found ? found.problem : '';
  expect(problem.split('; ').map((line) => line.split(':')[0])).toEqual(['spec.interfaceName', 'spec.mtu']);
  expect(driverOf(wireguardKey, { node: 'n1', interfaceName: 'wg0', peers: [{ publicKey: 'x' }] })).toMatchObject({
    problem: expect.stringMatching(/^spec\.peers\.0\.publicKey: /) as string,
  });
});
