import { expect, test } from 'vitest';
import type { Topology } from '../../../src/inspector/protocol.ts';
import { mapShape, way } from './shape.ts';

const actor = (node: string, name: string, container: string | null): Topology['actors'][number] => ({
  id: `${node} wireguardinterface/default/${name}`,
  node,
  key: { kind: 'wireguardinterface', namespace: 'default', name },
  interfaceName: name,
  type: 'wireguard',
  container,
  x: 10,
  y: 20,
  width: 100,
  height: 30,
});

const topology: Topology = {
  nodes: [
    { name: 'a', x: 0, y: 0, width: 200, height: 100 },
    { name: 'b', x: 500, y: 0, width: 200, height: 100 },
  ],
  containers: [{ id: 'b agent2', node: 'b', name: 'agent2', x: 40, y: 8, width: 150, height: 60 }],
  actors: [actor('a', 'wg1', null), actor('b', 'wg2', 'agent2')],
  links: [
    { id: 'l', kind: 'tunnel', from: 'a wireguardinterface/default/wg1', to: 'b wireguardinterface/default/wg2' },
    { id: 'gone', kind: 'tunnel', from: 'a wireguardinterface/default/wg1', to: 'c wireguardinterface/default/wg3' },
  ],
};

test('an actor stands where its container stands, and its link ends there', () => {
  const { hosts, links } = mapShape(topology);
  expect(hosts[1]?.actors[0]).toMatchObject({ x: 50, y: 28 });
  expect(links.map(({ id, from, to }) => [id, from.x, from.y, to.x, to.y])).toEqual([['l', 60, 35, 600, 43]]);
});

test('a link leaves its actors at the sides that face each other', () => {
  const { path } = way({ x: 60, y: 35, half: 50 }, { x: 600, y: 35, half: 50 });
  expect(path).toMatch(/^M110 35Q.* 550 35$/);
});
