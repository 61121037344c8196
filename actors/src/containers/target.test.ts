import { expect, test } from 'vitest';
import { targetKey, targetOf } from './target.ts';

const aliases = new Map([
  ['agent1', 'netns:/run/netns/lab-agent1'],
  ['agent2', 'docker:lab-agent2'],
  ['agent3', 'nonsense'],
]);

const key = (name: string): string => targetKey(targetOf({ docker: { name } }));

test.each([
  ['docker beats netns', { docker: { name: 'a' }, netns: { pid: 1 } }, { via: 'engine', engine: 'docker', name: 'a' }],
  ['docker beats podman', { docker: { name: 'a' }, podman: { name: 'b' } }, { via: 'engine', engine: 'docker' }],
  ['podman', { podman: { name: 'b' } }, { via: 'engine', engine: 'podman', name: 'b' }],
  ['path beats name and pid', { netns: { path: '/x', name: 'n', pid: 1 } }, { via: 'file', path: '/x' }],
  ['name beats pid', { netns: { name: 'n', pid: 1 } }, { via: 'file', path: '/run/netns/n' }],
  ['a name that leads out of /run/netns', { netns: { name: '../../proc/1/ns/net' } }, { via: 'nothing' }],
  ['a name that is its own folder', { netns: { name: '.' } }, { via: 'nothing' }],
  ['a name with a dot', { netns: { name: '..a' } }, { via: 'file', path: '/run/netns/..a' }],
  ['pid', { netns: { pid: 12 } }, { via: 'process', pid: 12 }],
  ['a path of a process', { netns: { path: '/proc/12/ns/net' } }, { via: 'process', pid: 12 }],
  ['nothing', { netns: {} }, { via: 'nothing' }],
  ['alias of a netns', { docker: { name: 'agent1' } }, { via: 'file', path: '/run/netns/lab-agent1', container: true }],
  ['alias of a container', { podman: { name: 'agent2' } }, { via: 'engine', engine: 'docker', name: 'lab-agent2' }],
  ['malformed alias', { docker: { name: 'agent3' } }, { via: 'nothing' }],
])('%s', (_what, selector, target) => {
  expect(targetOf(selector, aliases)).toMatchObject(target);
});

test('equal selectors have equal keys, others have others', () => {
  expect(key('a')).toBe(key('a'));
  expect(key('a')).not.toBe(key('b'));
  expect(targetKey(targetOf({ podman: { name: 'a' } }))).not.toBe(key('a'));
});
