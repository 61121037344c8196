import { describe, expect, it } from 'vitest';
import { machineVersion } from '@ifactor/crds';
import type { InterfaceEvent } from '@ifactor/crds';
import { walk } from '../../testing/walks.ts';
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
    for (const { after } of walk(7, 60)) {
      const stored = JSON.parse(JSON.stringify(freeze(after))) as ReturnType<typeof freeze>;
      expect(stored.machine).toBe(machineVersion);
      expect(hashOf(thaw(stored))).toBe(hashOf(after));
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
