import { systemClock } from '@ifactor/common';
import { hasKind } from '../host/kernel.ts';
import { LabError } from '../cluster/error.ts';
import { machineOf } from '../host/machine.ts';
import { deleteAndAwait } from './heal.ts';
import { readLog } from './log.ts';
import { ping } from './ping.ts';
import { example, type Stage } from './stage.ts';

/** The result of a step; `unsupported` if ifactor reports that this kernel lacks the feature. */
export type Outcome = 'done' | 'unsupported by this kernel';
export type DemoStep = { title: string; act: (stage: Stage) => Promise<Outcome> };

/** Files of the walkthrough, in the order in which they are applied. */
export const files = [
  'wgp1.yaml',
  'lax1-wg1.yaml',
  'lax1-wg2.yaml',
  'nl1-dummy.yaml',
  'nl2-bridge.yaml',
  'vxlan.yaml',
  'veth.yaml',
];

export const steps: DemoStep[] = [
  {
    title: 'A plan becomes a tunnel between two containers',
    async act(stage) {
      await apply(stage, 'wgp1.yaml');
      await ready(stage, 'wgp/wgp1');
      await stage.show(stage.kubectl('get', 'wgp,wgi'));
      await ping(stage, 'agent1', '10.4.0.2', ['10.4.0.2']);
      return 'done';
    },
  },
  {
    title: 'Two WireGuard interfaces, written by hand',
    async act(stage) {
      await apply(stage, 'lax1-wg1.yaml', 'lax1-wg2.yaml');
      await ready(stage, 'wgi/wg1', 'wgi/wg2');
      await ping(stage, 'agent1', 'fe80::a:1771%wg1', ['fe80::a:1771']);
      await stage.show(stage.exec('agent1', 'wg', 'show', 'wg1'));
      return 'done';
    },
  },
  {
    title: 'A dummy with a plain and a point-to-point address',
    async act(stage) {
      await apply(stage, 'nl1-dummy.yaml');
      if (!(await hasKind('dummy', machineOf(stage.lab)))) {
        await stage.show(
          stage.kubectl(
            'wait',
            `--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=KernelUnsupported`,
            'nl/nl1-dummy',
            '--timeout=30s',
          ),
        );
        await stage.show(stage.kubectl('get', 'nl', 'nl1-dummy', '--output', 'wide'));
        return 'unsupported by this kernel';
      }
      await ready(stage, 'nl/nl1-dummy');
      await ping(stage, 'agent1', '10.99.3.1', ['10.99.3.1']);
      return 'done';
    },
  },
  {
    title: 'A bridge with a slave',
    async act(stage) {
      await apply(stage, 'nl2-bridge.yaml');
      await ready(stage, 'nl/nl2-bridge', 'nl/nl2-slave');
      const slaves = await stage.show(stage.exec('agent1', 'ip', '-oneline', 'link', 'show', 'master', 'br1'));
      if (!slaves.includes('veth2-a')) throw new LabError('veth2-a is no slave of br1');
      await ping(stage, 'agent1', '10.99.5.1', ['10.99.5.1']);
      return 'done';
    },
  },
  {
    title: 'A VXLAN over the tunnel: both ends answer',
    async act(stage) {
      await apply(stage, 'vxlan.yaml');
      await ready(stage, 'nl/vxlan1-lax1', 'nl/vxlan1-lax2');
      await ping(stage, 'agent1', 'ff02::1%vxlan1', ['fe80::1', 'fe80::2']);
      return 'done';
    },
  },
  {
    title: 'A veth pair from one container to the other',
    async act(stage) {
      await apply(stage, 'veth.yaml');
      await ready(stage, 'nl/veth1');
      await ping(stage, 'agent1', 'ff02::1%veth1-a', ['fe80::eeee:1', 'fe80::eeee:2']);
      return 'done';
    },
  },
  {
    title: 'Deleted behind its back: back before you can look, and the log says why',
    async act(stage) {
      const since = new Date(systemClock.now());
      const away = await deleteAndAwait(stage, 'agent1', 'veth1-a');
      stage.say(`veth1-a was away for ${away.toFixed(1)} ms`);
      await ping(stage, 'agent1', 'ff02::1%veth1-a', ['fe80::eeee:1', 'fe80::eeee:2']);
      stage.say('# the event log since then (IFACTOR_EVENTS):');
      const place = { node: 'lax1', kind: 'netlinkinterface', namespace: 'default', name: 'veth1' };
      const events = await readLog(
        stage.lab,
        place,
        since,
        ({ state }) => state === 'moved-to-netns' || state === 'configured',
      );
      for (const { time, type, state, data } of events)
        stage.say(`${time}  ${type.padEnd(16)} ${state.padEnd(15)} ${brief(data)}`);
      if (!events.some(({ type }) => type === 'DriftObserved'))
        throw new LabError('the event log has no event for the missing link');
      return 'done';
    },
  },
];

async function apply(stage: Stage, ...names: string[]): Promise<void> {
  for (const name of names) await stage.show(stage.kubectl('apply', '--filename', example(name)));
}

async function ready(stage: Stage, ...objects: string[]): Promise<void> {
  await stage.show(stage.kubectl('wait', '--for=condition=Ready', '--timeout=60s', ...objects));
}

/** The reason in an event's data, short enough for one line. */
function brief(data: unknown): string {
  const found = typeof data === 'object' && data !== null && 'drift' in data ? data.drift : data;
  const text = JSON.stringify(found);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}
