import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addresses, eventually, Lab, type Runtime } from './lab.ts';
import { traces } from './trace.ts';

const machineHasDummy = (() => {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'add', 'trial0', 'type', 'dummy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/**
 * The walkthrough, in a lab of this runtime: the tests of one `describe`.
 * @param folder of the manifests, among the examples
 * @param more what else to see once all is up and before it is deleted
 */
export function walkthrough(runtime: Runtime, folder = '', more: (lab: () => Lab) => void = () => {}): void {
  // Debian's kernel has it.
  const hasDummy = runtime === 'vm' || machineHasDummy;
  let lab: Lab;
  let one: string;
  let two: string;
  const file = (name: string) => `${folder}${name}`;

  beforeAll(async () => {
    lab = await Lab.start(runtime);
    [one, two] = lab.containers;
  });
  afterAll(() => lab.end());

  test('a plan becomes a tunnel between two containers', async () => {
    await lab.apply(file('wgp1.yaml'));
    await lab.ready('wgp/wgp1', 'wgi/wg-lax1-lax2-0', 'wgi/wg-lax2-lax1-0');
    await lab.ping(one, '10.4.0.2', '10.4.0.2');
    await lab.ping(two, '10.4.0.1', '10.4.0.1');
    const near = await lab.link(one, 'wg-lax1-lax2-0');
    expect(near.mtu).toBe(1420);
    expect(near.flags).toContain('UP');
    expect(addresses(near)).toEqual(['10.4.0.1 -> 10.4.0.2/32']);
    const dump = (await lab.exec(one, 'wg', 'show', 'wg-lax1-lax2-0', 'dump')).stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(dump[0]?.[2]).toBe('51800');
    expect(dump).toHaveLength(2);
    expect(dump[1]?.[3]).toBe('0.0.0.0/0,::/0');
    const far = (await lab.exec(two, 'wg', 'show', 'wg-lax2-lax1-0', 'dump')).stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(far[1]?.[2]).toBe('192.0.2.1:51800');
    expect(far[1]?.[7]).toBe('25');
    // Each end knows the other by the key that it really has.
    expect(far[1]?.[0]).toBe(dump[0]?.[1]);
    expect(dump[1]?.[0]).toBe(far[0]?.[1]);
  });

  test('two interfaces with keys of their own shake hands', async () => {
    await lab.apply(file('lax1-wg1.yaml'), file('lax1-wg2.yaml'));
    await lab.ready('wgi/wg1', 'wgi/wg2');
    await lab.ping(one, 'fe80::a:1771%wg1', 'fe80::a:1771');
    expect((await lab.exec(one, 'wg', 'show', 'wg1', 'public-key')).stdout.trim()).toBe(
      'AN6PcEmgsFECwD8Un6lKMWYrgBdCrABS9xjJY/2L0ic=',
    );
    expect((await lab.exec(one, 'wg', 'show', 'wg1', 'listen-port')).stdout.trim()).toBe('51021');
    expect(addresses(await lab.link(two, 'wg2'))).toEqual(['fe80::a:1771 -> fe80::1771/64']);
  });

  test('a dummy has its addresses, or is a condition that names the module which the kernel lacks', async () => {
    await lab.apply(file('nl1-dummy.yaml'));
    if (hasDummy) {
      await lab.ready('nl/nl1-dummy');
      expect(addresses(await lab.link(one, 'dummy1'))).toEqual(['10.2.3.0/24', '10.99.3.1 -> 10.99.4.1/32']);
      return;
    }
    await lab.kubectl([
      'wait',
      '--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=KernelUnsupported',
      '--timeout=60s',
      'nl/nl1-dummy',
    ]);
    const { status } = JSON.parse(await lab.kubectl(['get', 'nl', 'nl1-dummy', '--output', 'json'])) as {
      status: { conditions: { type: string; status: string; message: string }[] };
    };
    const ready = status.conditions.find(({ type }) => type === 'Ready');
    expect(ready?.status).toBe('False');
    expect(ready?.message).toContain('modprobe dummy');
    expect((await lab.links(one)).map(({ ifname }) => ifname)).not.toContain('dummy1');
  });

  test('a bridge takes its slave when that appears', async () => {
    await lab.apply(file('nl2-bridge.yaml'));
    await lab.ready('nl/nl2-bridge', 'nl/nl2-slave');
    expect((await lab.link(one, 'br1')).linkinfo?.info_kind).toBe('bridge');
    expect(addresses(await lab.link(one, 'br1'))).toEqual(['10.99.5.1/24']);
    expect((await lab.link(one, 'veth2-a')).master).toBe('br1');
  });

  test('a VXLAN over the tunnel shows both ends', async () => {
    await lab.apply(file('vxlan.yaml'));
    await lab.ready('nl/vxlan1-lax1', 'nl/vxlan1-lax2');
    await lab.ping(one, 'ff02::1%vxlan1', 'fe80::1', 'fe80::2');
    expect((await lab.link(one, 'vxlan1')).linkinfo).toMatchObject({
      info_kind: 'vxlan',
      info_data: { id: 142, port: 4789, link: 'wg-lax1-lax2-0', local: '10.4.0.1', remote: '10.4.0.2' },
    });
  });

  test('a veth pair has its ends in two containers', async () => {
    await lab.apply(file('veth.yaml'));
    await lab.ready('nl/veth1');
    await lab.ping(one, 'ff02::1%veth1-a', 'fe80::eeee:1', 'fe80::eeee:2');
    expect(addresses(await lab.link(two, 'veth1-b'))).toEqual(['fe80::eeee:2/64']);
  });

  test.each([
    ['veth1-a', 'ff02::1%veth1-a', 'fe80::eeee:2'],
    ['wg1', 'fe80::a:1771%wg1', 'fe80::a:1771'],
    ['vxlan1', 'ff02::1%vxlan1', 'fe80::2'],
  ])('%s is made again when it was deleted', async (name, target, from) => {
    const before = await lab.link(one, name);
    expect((await lab.exec(one, 'ip', 'link', 'del', name)).code).toBe(0);
    const after = await eventually(async () => {
      const found = await lab.link(one, name);
      expect(found.ifindex).not.toBe(before.ifindex);
      expect(addresses(found)).toEqual(addresses(before));
      return found;
    });
    expect(after.mtu).toBe(before.mtu);
    await lab.ping(one, target, from);
  });

  more(() => lab);

  test('everything deleted is gone from the API, the kernel and the host', async () => {
    await lab.delete(
      ...['veth', 'vxlan', 'nl2-bridge', 'nl1-dummy', 'lax1-wg2', 'lax1-wg1', 'wgp1'].map((name) =>
        file(`${name}.yaml`),
      ),
    );
    expect(await lab.kubectl(['get', 'wgp,wgi,nl', '--output', 'name'])).toBe('');
    for (const container of lab.containers)
      expect((await lab.links(container)).map(({ ifname }) => ifname)).toEqual(['lo']);
    for (const node of ['lax1', 'lax2'])
      expect((await lab.links(node)).map(({ ifname }) => ifname).toSorted()).toEqual(['lo', 'underlay0']);
    expect((await traces(lab)).filter((line) => line.includes('wireguard-go'))).toEqual([]);
  });
}
