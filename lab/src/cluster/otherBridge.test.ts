import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '@ifactor/common';
import { expect, test, vi } from 'vitest';
import { leasesOf } from './apiserver.ts';
import { assertNoBridge, leadingBridge } from './otherBridge.ts';
import type { BridgeLease } from './otherBridge.ts';

const now = Date.parse('2026-01-01T00:10:00Z');
const lease = (secondsAgo: number, holderIdentity = 'bridge-1', name = 'ifactor-bridge'): BridgeLease => ({
  metadata: { name, namespace: 'networking' },
  spec: {
    holderIdentity,
    leaseDurationSeconds: 10,
    renewTime: new Date(now - secondsAgo * 1000).toISOString().replace('Z', '000Z'),
  },
});

test('a cluster that a bridge serves is refused, in whatever namespace its Lease is', () => {
  expect(() => assertNoBridge([lease(9000), lease(1)], '/root/.kube/config', now)).toThrow(UsageError);
  expect(() => assertNoBridge([lease(1)], '/root/.kube/config', now)).toThrow(
    'a bridge (bridge-1, Lease networking/ifactor-bridge) already serves the cluster of /root/.kube/config',
  );
});

test('a clock that differs a little hides no bridge', () => {
  expect(leadingBridge([lease(35)], now)).toBeDefined();
  expect(leadingBridge([lease(-35)], now)).toBeDefined();
});

test('a Lease that was given up, has expired or is of something else hinders nobody', () => {
  expect(leadingBridge([lease(1, '')], now)).toBeUndefined();
  expect(leadingBridge([lease(41)], now)).toBeUndefined();
  expect(leadingBridge([lease(1, 'x', 'kube-scheduler')], now)).toBeUndefined();
  expect(leadingBridge([{ metadata: { name: 'ifactor-bridge', namespace: 'default' } }], now)).toBeUndefined();
  expect(() => assertNoBridge([], 'config', now)).not.toThrow();
});

test('Leases that cannot be read are no proof that no bridge leads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ift-kubectl-'));
  const kubectl = join(folder, 'kubectl');
  const answering = (script: string): void => {
    writeFileSync(kubectl, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('KUBECTL', kubectl);
  };
  try {
    answering(`echo 'Error from server (Forbidden): leases is forbidden' >&2; exit 1`);
    await expect(leasesOf('some.config')).rejects.toThrow(
      /cannot read the Leases of the cluster of some.config.*\(Forbidden\).*--force/,
    );
    answering(`echo '{"items": []}'`);
    expect(await leasesOf('some.config')).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});
