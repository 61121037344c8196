import { expect, test } from 'vitest';
import { inContainer } from './cgroup.ts';

const id = 'a1'.repeat(32);
const other = 'b2'.repeat(32);

test.each([
  ['cgroup v2, cgroupfs', `0::/docker/${id}\n`, true],
  ['cgroup v2, systemd', `0::/system.slice/docker-${id}.scope\n`, true],
  ['cgroup v1', `12:pids:/docker/${id}\n1:name=systemd:/docker/${id}\n`, true],
  ['an agent in a container of its own', `0::/../${id}\n`, true],
  ['an engine within a container', `0::/docker/${other}/docker/${id}\n`, true],
  ['another container', `0::/docker/${other}\n`, false],
  ['a program of the machine', '0::/system.slice/ssh.service\n', false],
  ['unreadable', null, true],
])('%s', (_what, cgroup, expected) => {
  expect(inContainer(cgroup, id, 'docker')).toBe(expected);
});

test('podman without control groups', () => {
  expect(inContainer('0::/user.slice/session-1.scope\n', id, 'podman')).toBe(true);
  expect(inContainer(`0::/machine.slice/libpod-${other}.scope/container\n`, id, 'podman')).toBe(false);
});
