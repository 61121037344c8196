/** Lives that are recorded in a lab: each a log of its own, of interfaces that no other one touches. */
import { eventually, succeeded, type Lab, run } from '../e2e/lab.ts';

export type Scenario = {
  /** The log's file name. */
  name: string;
  /** `kind/namespace/name` of the interfaces whose events are kept. */
  actors: string[];
  live: (lab: Lab) => Promise<void>;
};

const nl = (name: string) => `netlinkinterface/default/${name}`;
const wgi = (name: string) => `wireguardinterface/default/${name}`;

/** A manifest of a NetlinkInterface on lax1, in its home netns. */
const manifest = (name: string, spec: object): string =>
  JSON.stringify({
    apiVersion: 'networking.dn42.io/v1alpha1',
    kind: 'NetlinkInterface',
    metadata: { name },
    spec: { node: 'lax1', interfaceName: name, up: true, ...spec },
  });

const apply = (lab: Lab, name: string, spec: object) => lab.kubectl(['apply', '--filename', '-'], manifest(name, spec));
const remove = (lab: Lab, name: string) => lab.kubectl(['delete', 'nl', name, '--timeout=60s']);
const ip = async (lab: Lab, where: string, ...words: string[]) => succeeded(await lab.exec(where, 'ip', ...words));

/** Waits until the log holds so many events of a type. */
const told = (lab: Lab, object: string, type: string, count = 1) =>
  eventually(async () => {
    const lines = (await lab.ifactor('events', object, '--type', type)).split('\n').filter(Boolean).length;
    if (lines < count) throw new Error(`${object} told of ${lines} ${type} only`);
  });
/** Runs a step that is to be told of by an event of this type, and waits for that and for health. */
async function healed(lab: Lab, object: string, step: () => Promise<unknown>): Promise<void> {
  const before = (await lab.ifactor('events', object, '--type', 'DriftObserved')).split('\n').filter(Boolean).length;
  await step();
  await told(lab, object, 'DriftObserved', before + 1);
  await eventually(async () => {
    const { value } = JSON.parse(await lab.ifactor('replay', object, '--json')) as { value: string };
    if (!['configured', 'moved-to-netns'].includes(value)) throw new Error(`${object} is ${value}`);
  });
}

const vxlan = (vni: number): object => ({
  type: 'vxlan',
  vxlan: { vni, local: '192.0.2.1', group: '239.0.0.1', dev: 'underlay0' },
});
/** A WireGuardInterface in a container. */
const tunnel = (container: string): string =>
  manifest('mv0', {
    moveToContainer: true,
    container: { docker: { name: container } },
    listenPort: 51_990,
    up: undefined,
  }).replace('NetlinkInterface', 'WireGuardInterface');

export const scenarios: Scenario[] = [
  {
    name: 'drift',
    actors: [nl('br0'), nl('nl2-bridge'), nl('nl2-slave')],
    async live(lab) {
      const [one] = lab.containers;
      const spec = { type: 'bridge', mtu: 1400, addresses: [{ ipcidr: '10.20.0.1/24' }, { ipcidr: 'fd20::1/64' }] };
      await apply(lab, 'br0', spec);
      await lab.ready('nl/br0');
      await healed(lab, 'nl/br0', () => ip(lab, 'lax1', 'link', 'set', 'br0', 'mtu', '1300'));
      await healed(lab, 'nl/br0', () => ip(lab, 'lax1', 'address', 'add', '10.99.0.1/24', 'dev', 'br0'));
      await healed(lab, 'nl/br0', () => ip(lab, 'lax1', 'link', 'del', 'br0'));
      await apply(lab, 'br0', { ...spec, mtu: 1280, addresses: [{ ipcidr: '10.20.0.2/24' }] });
      await eventually(async () => {
        if ((await lab.link('lax1', 'br0')).mtu !== 1280) throw new Error('br0 has another mtu');
      });
      await lab.ready('nl/br0');
      await remove(lab, 'br0');
      // A bridge that waits for its slave.
      await lab.apply('nl2-bridge.yaml');
      await lab.ready('nl/nl2-bridge', 'nl/nl2-slave');
      await healed(lab, 'nl/nl2-bridge', () => ip(lab, one, 'link', 'set', 'veth2-a', 'nomaster'));
      await lab.delete('nl2-bridge.yaml');
    },
  },
  {
    name: 'containerRestart',
    actors: [nl('veth1')],
    async live(lab) {
      const [, two] = lab.containers;
      await lab.apply('veth.yaml');
      await lab.ready('nl/veth1');
      if (lab.runtime !== 'docker') throw new Error('a container has to be restarted: start dockerd');
      const { code, stderr } = await run('docker', ['restart', '--time', '1', two]);
      if (code !== 0) throw new Error(stderr);
      await told(lab, 'nl/veth1', 'NetnsLost');
      await told(lab, 'nl/veth1', 'LinkCreated', 2);
      await lab.ready('nl/veth1');
      await lab.delete('veth.yaml');
    },
  },
  {
    name: 'mesh',
    actors: [wgi('wg-lax1-lax2-0'), wgi('wg-lax2-lax1-0')],
    async live(lab) {
      const [one] = lab.containers;
      await lab.apply('wgp1.yaml');
      await lab.ready('wgp/wgp1', 'wgi/wg-lax1-lax2-0', 'wgi/wg-lax2-lax1-0');
      await lab.ping(one, '10.4.0.2', '10.4.0.2');
      const peer = succeeded(await lab.exec(one, 'wg', 'show', 'wg-lax1-lax2-0', 'peers')).trim();
      await healed(lab, 'wgi/wg-lax1-lax2-0', async () =>
        succeeded(await lab.exec(one, 'wg', 'set', 'wg-lax1-lax2-0', 'peer', peer, 'allowed-ips', '10.4.0.0/24')),
      );
      succeeded(await lab.command('kill', 'agent/lax1'));
      succeeded(await lab.command('restart', 'agent/lax1'));
      await told(lab, 'wgi/wg-lax1-lax2-0', 'AgentStarted');
      await lab.ready('wgi/wg-lax1-lax2-0');
      await healed(lab, 'wgi/wg-lax1-lax2-0', () => ip(lab, one, 'link', 'del', 'wg-lax1-lax2-0'));
      await lab.delete('wgp1.yaml');
    },
  },
  {
    name: 'oldManifest',
    actors: [wgi('wg1'), wgi('wg2')],
    async live(lab) {
      const [one] = lab.containers;
      await lab.apply('old/lax1-wg1.yaml', 'old/lax1-wg2.yaml');
      await lab.ready('wgi/wg1', 'wgi/wg2');
      await lab.ping(one, 'fe80::a:1771%wg1', 'fe80::a:1771');
      await healed(lab, 'wgi/wg1', async () => succeeded(await lab.exec(one, 'wg', 'set', 'wg1', 'fwmark', '7')));
      await lab.delete('old/lax1-wg1.yaml', 'old/lax1-wg2.yaml');
    },
  },
  {
    name: 'failure',
    actors: [nl('nl1-dummy'), nl('vx0')],
    async live(lab) {
      // Where the kernel has no dummy this one fails for good; a vxlan that cannot be as wanted backs off.
      await lab.apply('nl1-dummy.yaml');
      await apply(lab, 'vx0', {
        type: 'vxlan',
        mtu: 65_535,
        vxlan: { vni: 20, local: '192.0.2.1', group: '239.0.0.1', dev: 'underlay0' },
      });
      await told(lab, 'nl/vx0', 'TimerElapsed', 2);
      await apply(lab, 'vx0', {
        type: 'vxlan',
        vxlan: { vni: 20, local: '192.0.2.1', group: '239.0.0.1', dev: 'underlay0' },
      });
      await lab.ready('nl/vx0');
      await remove(lab, 'vx0');
      await lab.delete('nl1-dummy.yaml');
    },
  },
  {
    name: 'conflict',
    actors: [nl('elder'), nl('younger'), nl('br9')],
    async live(lab) {
      // A link of somebody else's is in the way, then goes.
      await ip(lab, 'lax1', 'link', 'add', 'br9', 'type', 'vxlan', 'id', '9', 'dstport', '4789');
      await apply(lab, 'br9', { type: 'bridge' });
      await lab.kubectl([
        'wait',
        '--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=NameConflict',
        '--timeout=60s',
        'nl/br9',
      ]);
      await ip(lab, 'lax1', 'link', 'del', 'br9');
      await lab.ready('nl/br9');
      await remove(lab, 'br9');
      // Two objects want one name.
      await apply(lab, 'elder', { type: 'bridge', interfaceName: 'br8' });
      await lab.ready('nl/elder');
      // Kubernetes' times of creation have whole seconds.
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await apply(lab, 'younger', { type: 'bridge', interfaceName: 'br8', mtu: 1300 });
      await told(lab, 'nl/younger', 'NameTaken');
      await remove(lab, 'elder');
      await lab.ready('nl/younger');
      await remove(lab, 'younger');
    },
  },
  {
    name: 'confirm',
    actors: [nl('cf0')],
    async live(lab) {
      const [name] = lab.containers;
      const spec = (far: string, more: object = {}): object => ({
        type: 'veth',
        addresses: [{ ipcidr: '10.30.0.1/24' }],
        ...more,
        veth: { peer: { interfaceName: 'cf0-far', container: { docker: { name } }, addresses: [{ ipcidr: far }] } },
      });
      const confirm = { timeoutSeconds: 2, probe: '10.30.0.2' };
      await apply(lab, 'cf0', spec('10.30.0.2/24'));
      await lab.ready('nl/cf0');
      await apply(lab, 'cf0', spec('10.30.0.3/24', { confirm }));
      await lab.kubectl([
        'wait',
        '--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=RolledBack',
        '--timeout=60s',
        'nl/cf0',
      ]);
      await apply(lab, 'cf0', spec('10.30.0.2/24', { confirm, mtu: 1300 }));
      await told(lab, 'nl/cf0', 'SpecConfirmed');
      await lab.ready('nl/cf0');
      await remove(lab, 'cf0');
    },
  },
  {
    name: 'anew',
    actors: [nl('vx1'), wgi('mv0')],
    async live(lab) {
      // What no link changes in place, and a tunnel that goes to another container.
      await apply(lab, 'vx1', vxlan(30));
      await lab.ready('nl/vx1');
      await apply(lab, 'vx1', vxlan(31));
      await told(lab, 'nl/vx1', 'LinkCreated', 2);
      await lab.ready('nl/vx1');
      await remove(lab, 'vx1');
      const [one, two] = lab.containers;
      await lab.kubectl(['apply', '--filename', '-'], tunnel(one));
      await lab.ready('wgi/mv0');
      await lab.kubectl(['apply', '--filename', '-'], tunnel(two));
      await told(lab, 'wgi/mv0', 'LinkMoved', 2);
      await lab.ready('wgi/mv0');
      await lab.kubectl(['delete', 'wgi', 'mv0', '--timeout=60s']);
    },
  },
];
