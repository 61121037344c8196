import { describe, expect, it } from 'vitest';
import {
  after,
  bridgeLink as link,
  bridgeMark as mark,
  declared as spec,
  looked,
  resolved as place,
  tell,
} from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { describeVerdict } from '../words/verdict.ts';
import { hashOf } from './fold.ts';

/* What a life must not get stuck in, nor believe: each of these hung, churned or was told wrongly once. */
const deletion = (gone: boolean, uid = 'u1'): Given => ['DeletionRequested', { uid, resourceVersion: '9', gone }];
const lost = (reason: string): Given => ['NetnsLost', { slot: 'target', reason, message: '' }];
const failing = (operations: string, code: string): Given => [
  'OperationFailed',
  {
    operations,
    operation: { type: 'CreateLink', slot: 'target', name: 'br0', mark, link: { kind: 'bridge' } },
    code,
    message: code,
  },
];

const creating = [spec(), place, looked(null)];
const healthy = [spec(), place, looked(link)];

describe('an object whose uid changes while operations run', () => {
  it('waits for them, and then begins: two lists never interleave', () => {
    const during = after(...creating, spec(1, { mtu: 1300 }, 'u2'));
    expect(during.snapshot.context).toMatchObject({ running: 'round-1', desired: { uid: 'u2' } });
    expect(during.operations).toEqual([]);
    const ended = tell(during, looked(link, 'round-1'));
    expect(ended).toMatchObject({ snapshot: { context: { running: null } }, operations: [{ type: 'ResolveNetns' }] });
    const done = tell(ended, place, looked(link));
    expect(done.operations).toMatchObject([{ type: 'Perform', id: 'round-2' }]);
    const changed = tell(done, looked({ ...link, mtu: 1300 }, 'round-2'));
    expect(changed.snapshot.value).toBe('configured');
  });

  it('is not blamed for what the former could not', () => {
    const { snapshot, operations } = after(...creating, spec(1, {}, 'u2'), failing('round-1', 'EOPNOTSUPP'));
    expect([snapshot.context.failure, snapshot.context.running]).toEqual([null, null]);
    expect(operations).toMatchObject([{ type: 'ResolveNetns' }]);
  });
});

describe('a deletion', () => {
  it('during a creation that the kernel does not know ends', () => {
    const { snapshot, operations } = after(...creating, deletion(false), failing('round-1', 'EOPNOTSUPP'));
    expect(snapshot.value).toBe('deleting');
    expect(operations).toEqual([{ type: 'Observe' }]);
    expect(tell({ snapshot, operations }, looked(null)).snapshot.value).toBe('deleted');
  });

  it('after a creation that failed for good ends, too', () => {
    const failed = after(...creating, failing('round-1', 'EOPNOTSUPP'));
    expect(failed.snapshot.value).toBe('failed');
    expect(tell(failed, deletion(false), looked(null)).snapshot.value).toBe('deleted');
  });

  it('whose removal fails is tried again, and says so while it waits', () => {
    const { snapshot, operations } = after(...healthy, deletion(false), looked(link), failing('round-1', 'EOPNOTSUPP'));
    expect(describeVerdict(snapshot.context)).toMatchObject({
      state: 'deleting',
      reason: 'RemovalFailed',
      message: expect.stringMatching(/^cannot be removed: EOPNOTSUPP; retrying at 2026-/) as string,
    });
    expect(operations).toMatchObject([{ type: 'StartTimer', timer: 'retry' }]);
  });

  it('waits for a container engine that does not answer, where links may be left, and says so', () => {
    const container = { container: { docker: { name: 'box' } } };
    const made = after(spec(1, container), place, looked(null), looked(link, 'round-1'), deletion(false));
    const away = tell(made, lost('EngineUnreachable'));
    expect(describeVerdict(away.snapshot.context)).toEqual({
      state: 'deleting',
      reason: 'EngineUnreachable',
      message:
        'docker container box cannot be looked up: docker does not answer; start it, or name its socket by --docker; its links are removed when it is back',
    });
    expect(tell(away, lost('ContainerGone')).snapshot.value).toBe('deleted');
  });

  it('waits for a netns that has too many links to be looked at, since its own may be among them', () => {
    const container = { container: { docker: { name: 'box' } } };
    const made = after(spec(1, container), place, looked(null), looked(link, 'round-1'), deletion(false));
    expect(describeVerdict(tell(made, lost('TooManyLinks')).snapshot.context)).toMatchObject({
      state: 'deleting',
      message: expect.stringContaining('--max-links') as string,
    });
  });

  it('that has ended is not begun again by what was still on its way', () => {
    const over = after(...healthy, deletion(false), looked(null), deletion(true));
    expect(over.snapshot.value).toBe('deleted');
    const late = tell(over, looked(link), ['TimerElapsed', { timer: 'retry' }], place);
    expect(late).toMatchObject({ snapshot: { value: 'deleted' }, operations: [] });
    expect(hashOf(late.snapshot)).toBe(hashOf(over.snapshot));
    // Another object of the name begins as if there had been none, whether or not the agent has forgotten the former by then.
    expect(hashOf(tell(late, spec(1, {}, 'u2')).snapshot)).toBe(hashOf(after(spec(1, {}, 'u2')).snapshot));
  });

  it('that is taken back by a declaration of the same object is over', () => {
    const back = after(...healthy, deletion(false), looked(link), spec(1));
    expect(back.snapshot.context.running).toBe('round-1');
    const again = tell(back, looked(null, 'round-1'), looked(null));
    expect(again).toMatchObject({ snapshot: { value: 'creating' }, operations: [{ type: 'Perform' }] });
  });
});

describe('a paused interface', () => {
  const paused = [...healthy, ['Paused', { by: 'mona' }] as Given];

  it('that is as declared stays Ready', () => {
    expect(after(...paused).snapshot.context.ready.status).toBe('True');
  });

  it('that differs, or is gone, is not: what, since when and by whom is said, and nothing is done', () => {
    for (const [found, difference] of [
      [{ ...link, mtu: 1300 }, 'mtu: wanted 1400, found 1300'],
      [null, 'link: wanted br0, found none'],
    ] as const) {
      const { snapshot, operations } = after(...paused, looked(found));
      expect(operations).toEqual([]);
      expect(snapshot.context.ready.status).toBe('Unknown');
      expect(describeVerdict(snapshot.context)).toMatchObject({
        reason: 'Paused',
        message: expect.stringContaining(
          `paused by mona since 2026-01-01T00:00:03.000Z; the kernel differs: ${difference}; nothing is changed`,
        ) as string,
      });
    }
  });

  it('with another spec is not Ready for that', () => {
    const { snapshot, operations } = after(...paused, spec(2, { mtu: 1300 }));
    expect(operations).toEqual([{ type: 'Observe' }]);
    expect(snapshot.context.ready.status).toBe('Unknown');
  });

  it('is looked at when somebody asks, and nothing more', () => {
    const asked = after(...paused, ['ResyncRequested', { by: 'mona' }]);
    expect(asked.operations).toEqual([{ type: 'Observe' }]);
    expect(tell(asked, looked({ ...link, up: false })).operations).toEqual([]);
  });
});

describe('what can never be', () => {
  it('a vxlan over itself: named, and left alone', () => {
    const itself = spec(1, { type: 'vxlan', vxlan: { vni: 9, dev: 'br0', group: '239.0.0.1' } });
    const { snapshot, operations } = after(itself, ['TimerElapsed', { timer: 'retry' }]);
    expect(operations).toEqual([]);
    expect(describeVerdict(snapshot.context)).toMatchObject({
      state: 'failed',
      reason: 'InvalidSpec',
      message: expect.stringContaining('vxlan.dev must not name the vxlan itself') as string,
    });
  });

  it('what the kernel never keeps comes to rest, and names the field and both values', () => {
    let now = after(...creating);
    for (let events = 0; events < 200; events++) {
      const { running, failure, asked } = now.snapshot.context;
      if (running !== null) now = tell(now, looked({ ...link, mtu: 1500 }, running));
      else if (failure?.until) now = tell(now, ['TimerElapsed', { timer: 'retry' }]);
      else if (asked.observe) now = tell(now, looked({ ...link, mtu: 1500 }));
    }
    expect(now.snapshot.context.failure).toMatchObject({ code: 'NotConverging', until: null });
    expect(describeVerdict(now.snapshot.context)).toMatchObject({
      state: 'failed',
      reason: 'NotConverging',
      message: expect.stringContaining('mtu: wanted 1400, found 1500') as string,
    });
    expect(tell(now, spec(2, { mtu: 1500 }), looked({ ...link, mtu: 1500 })).snapshot.value).toBe('configured');
  });
});
