import { describe, expect, it, test } from 'vitest';
import { machineVersion } from '@ifactor/crds';
import type { InterfaceEvent, State } from '@ifactor/crds';
import { after, bridgeKey, bridgeLink, bridgeSpec, declared, looked, resolved, timeAt } from '../../testing/given.ts';
import { knowing } from '../../testing/known.ts';
import { walk } from '../../testing/walks.ts';
import type { Context } from './context.ts';
import { fold, freeze, hashOf, thaw } from './fold.ts';

const key = { kind: 'netlinkinterface', namespace: 'default', name: 'br0' };
const started: InterfaceEvent = { type: 'AgentStarted', time: '2026-01-02T00:00:00Z', data: { version: 'next' } };

/** As an agent of version 2 stored it. */
const former = (state: string, more: object = {}): never =>
  ({
    value: state,
    context: {
      key,
      desired: { uid: 'u1', generation: 3, resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { node: 'n1', interfaceName: 'br0', type: 'bridge', up: true, addresses: [] },
      problem: null,
      deletion: null,
      paused: null,
      secrets: {},
      missing: { privateKey: { reason: 'SecretNotFound', message: 'create the Secret default/x' } },
      places: { target: { reason: 'ContainerGone', message: 'docker container a has stopped' } },
      taken: {},
      observed: null,
      endpoints: {},
      unresolved: {},
      listenPort: 4242,
      failure: { code: 'EPERM', message: 'not permitted', module: null, until: '2026-01-01T00:01:00Z' },
      attempts: 2,
      stuck: 0,
      drifts: [],
      settled: false,
      asked: { secrets: false, places: false, observe: false },
      running: null,
      round: 4,
      verdict: { state, reason: 'Whatever', message: 'it was so' },
      ready: { status: 'False', since: '2026-01-01T00:00:00.000Z' },
      operations: [],
      ...more,
    },
  }) as never;

describe('a stored snapshot', () => {
  it('of this version is what it was', () => {
    for (const { after: snapshot } of walk(7, 60)) {
      const stored = JSON.parse(JSON.stringify(freeze(snapshot))) as ReturnType<typeof freeze>;
      expect(stored.machine).toBe(machineVersion);
      expect(hashOf(thaw(stored))).toBe(hashOf(snapshot));
    }
  });

  it.each(['pending', 'creating', 'configured', 'moved-to-netns', 'drifted', 'failed', 'deleting', 'deleted'])(
    'of version 2 that was %s starts an agent of this one, which finds out the rest',
    (state) => {
      const { snapshot, operations } = fold(thaw(former(state)), started);
      expect(snapshot.context).toMatchObject({ round: 4, listenPort: 4242, failure: null, missing: {}, places: {} });
      expect(operations).toEqual([{ type: 'ResolveNetns', slots: ['target'] }]);
      expect(JSON.stringify(snapshot)).not.toMatch(/it was so|has stopped|not permitted/);
    },
  );

  it('of version 2 with a spec that was refused has it told again', () => {
    const { context } = thaw(former('failed', { spec: null, problem: 'spec.mtu: too small' }));
    expect(context.desired?.generation).toBe(0);
  });

  it('of version 2 keeps who paused it, and what was rolled back', () => {
    const spec = { node: 'n1', interfaceName: 'br0', type: 'bridge', up: true, addresses: [] };
    const rolledBack = { generation: 3, to: 2, spec, message: 'lost', found: true };
    const { context } = thaw(
      former('configured', { paused: 'me', confirm: { proven: null, trial: null, rolledBack } }),
    );
    expect(context.paused).toMatchObject({ by: 'me' });
    expect(context.confirm?.rolledBack).toEqual({ generation: 3, to: 2, spec, found: true, lost: [], seconds: 0 });
  });

  it('of a newer version is taken for what this one knows of it', () => {
    const [first] = walk(7, 1);
    const newer = { ...freeze(first!.after), machine: machineVersion + 1, value: 'resting' as never };
    expect(thaw(newer).value).toBe('pending');
  });
});

/** The verdict that a state alone implies. */
const implied = {
  pending: { finding: 'nothingDeclared', reason: 'Unknown' },
  creating: { finding: 'needsMet', reason: 'Creating', params: { fields: [], anew: [] } },
  configured: { finding: 'operationsDone', reason: 'Configured' },
  'moved-to-netns': { finding: 'operationsDoneInNetns', reason: 'MovedToNetns' },
  drifted: { finding: 'kernelDiffers', reason: 'Drifted', params: { fields: [], anew: [] } },
  failed: { finding: 'operationRefused', reason: 'OperationFailed' },
  deleting: { finding: 'deletionAsked', reason: 'Deleting', params: { step: 'look' } },
  deleted: { finding: 'linksGone', reason: 'Deleted' },
} as const satisfies Record<State, object>;

describe.each(Object.entries(implied) as [State, object][])('a snapshot that was %s', (state, verdict) => {
  test('of version 2 is taken for what that alone implies', () => {
    const thawed = thaw(former(state, { confirm: undefined }));
    expect(thawed.value).toBe(state);
    expect(thawed.context).toStrictEqual({
      ...knowing(),
      desired: { uid: 'u1', generation: 3, resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { node: 'n1', interfaceName: 'br0', type: 'bridge', up: true, addresses: [] },
      listenPort: 4242,
      attempts: 2,
      round: 4,
      ready: { status: 'False', since: '2026-01-01T00:00:00.000Z' },
      verdict: { state, ...verdict },
    });
  });

  test('of a later version, too', () => {
    const { context } = thaw({ machine: machineVersion + 1, value: state, context: knowing({ settled: true }) });
    expect(context).toStrictEqual({
      ...knowing(),
      settled: state === 'configured' || state === 'moved-to-netns',
      verdict: { state, ...verdict },
    });
  });
});

describe('of version 2', () => {
  test('what it did not keep has its initial value, and what was paused is paused since it was last said to be', () => {
    const { context } = thaw({ value: 'configured', context: { key, paused: 'me' } } as never);
    const { ready } = knowing();
    expect(context).toMatchObject({ ready, desired: null, paused: { by: 'me', since: ready.since }, drifts: [] });
    const since = '2026-01-01T00:00:00.000Z';
    expect(thaw(former('configured', { paused: 'me' })).context.paused).toStrictEqual({ by: 'me', since });
  });

  test('what was not refused is not told again', () => {
    expect(thaw(former('failed')).context.desired?.generation).toBe(3);
    expect(thaw(former('failed', { problem: 'x', desired: null })).context.desired).toBeNull();
  });

  test('what was proven and tried stays, with nothing rolled back', () => {
    const confirm = { proven: { generation: 2 }, trial: { generation: 3 }, rolledBack: null };
    expect(thaw(former('configured', { confirm })).context.confirm).toStrictEqual(confirm);
    expect(thaw(former('configured')).context).not.toHaveProperty('confirm');
  });

  test('a state that never was is refused', () => {
    expect(() => thaw(former('resting'))).toThrow(new TypeError('a snapshot has the unknown state resting'));
  });
});

test('what was asked of the runner is not stored', () => {
  const asking = after(declared());
  expect(asking.operations).toHaveLength(1);
  expect(freeze(asking.snapshot).context).toStrictEqual({ ...asking.snapshot.context, operations: [] });
  const { snapshot } = after(declared(), resolved, looked(bridgeLink));
  expect(freeze(snapshot)).toStrictEqual({ machine: machineVersion, value: 'configured', context: snapshot.context });
  expect(freeze(snapshot).context).toBe(snapshot.context);
});

const thawed = (more: Partial<Context>): Context =>
  thaw({ machine: machineVersion + 1, value: 'configured', context: knowing(more) }).context;

describe('of a later version', () => {
  const spec = { ...bridgeSpec } as never;
  const desired = { uid: 'u1', generation: 3, resourceVersion: '7', creationTimestamp: timeAt(0) };
  const kept: Partial<Context> = {
    desired,
    deletion: { uid: 'u1', resourceVersion: '8', gone: false },
    paused: { by: 'me', since: timeAt(0) },
    secrets: { privateKey: 'f1' },
    endpoints: { p1: 'a:1' },
    listenPort: 4242,
    round: 4,
    ready: { status: 'True', since: timeAt(0) },
    confirm: { proven: null, trial: null, rolledBack: null },
    macs: { mac: 'm1' },
    birth: '42',
    resolved: { p1: '192.0.2.1:1' },
    settled: true,
  };
  const found: Partial<Context> = { places: { target: { netns: '42' } }, attempts: 3, stuck: 2, running: 'round-4' };
  const verdict = { state: 'configured', ...implied.configured } as const;

  test('what a node cannot find out again is kept, and the rest is looked up', () => {
    const later = { ...kept, ...found, spec, more: 1 };
    expect(thawed(later)).toStrictEqual({ ...knowing(kept), spec: { ...bridgeSpec }, verdict });
  });

  test('fields that it no longer has are initial', () => {
    const context = { key: bridgeKey } as Context;
    expect(thaw({ machine: machineVersion + 1, value: 'failed', context }).context).toStrictEqual({
      ...knowing(),
      verdict: { state: 'failed', ...implied.failed },
    });
  });

  test('a spec that only that version reads is told again, unless it was refused', () => {
    const unread = { desired, spec: { type: 'tunnel' } as never };
    expect(thawed(unread)).toMatchObject({ spec: null, desired: { ...desired, generation: 0 } });
    expect(thawed({ ...unread, refused: { spec: 1 } })).toMatchObject({ desired, refused: { spec: 1 } });
    expect(thawed({ desired, spec: null })).toMatchObject({ spec: null, desired: { ...desired, generation: 0 } });
  });
});

test('a state of this version that it does not know is the first one', () => {
  const context = knowing({ listenPort: 7 });
  expect(thaw({ machine: machineVersion, value: 'resting' as State, context })).toEqual({ value: 'pending', context });
});
