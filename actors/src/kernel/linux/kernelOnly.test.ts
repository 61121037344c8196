/** What only this machine's kernel can show: agreement with iproute2, IPv6 switched off, processes that outlive the agent. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTime } from '../wireguard/daemon.ts';
import type { Kernel, Netns } from '../kernel.ts';
import { openKernel } from './kernel.ts';
import { address, key, publicKey } from '../../testing/kernel/fixture.ts';

type IpLink = {
  ifindex: number;
  ifname: string;
  mtu: number;
  operstate: string;
  flags: string[];
  address?: string;
  ifalias?: string;
  linkinfo?: { info_kind: string };
};
type IpAddress = {
  ifname: string;
  addr_info: { family: string; local: string; address?: string; prefixlen: number; noprefixroute?: boolean }[];
};

let count = 0;
const modules = join('/lib/modules', readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim());
const kernelWireGuard =
  existsSync('/sys/module/wireguard') || existsSync(join(modules, 'kernel/drivers/net/wireguard'));

// The kernel deletes netns in the background, and holds everybody's requests up while it does.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}

function addNetns(): string {
  const name = `ift-${process.pid}-r${count++}`;
  ip('netns', 'add', name);
  return name;
}

function sysctl(name: string, ...args: string[]): string {
  return ip('netns', 'exec', name, 'sysctl', '-n', ...args).trim();
}

describe.skipIf(process.getuid?.() !== 0)('this machine', () => {
  let stateDir: string;
  let name: string;
  let second: string;
  let kernel: Kernel;
  let netns: Netns;

  const start = async (): Promise<void> => {
    kernel = openKernel({ stateDir, report: () => {} });
    netns = await kernel.open(`/run/netns/${name}`);
  };
  /** The socket folder of the one wireguard-go process. */
  const daemon = (): { folder: string; pid: number } => {
    const [entry = ''] = readdirSync(join(stateDir, 'wireguard-go'));
    const folder = join(stateDir, 'wireguard-go', entry);
    return { folder, pid: (JSON.parse(readFileSync(join(folder, 'record.json'), 'utf8')) as { pid: number }).pid };
  };
  const daemons = (): string[] =>
    existsSync(join(stateDir, 'wireguard-go')) ? readdirSync(join(stateDir, 'wireguard-go')) : [];

  beforeEach(async () => {
    stateDir = mkdtempSync(join(tmpdir(), 'ift-netlink-'));
    name = addNetns();
    second = addNetns();
    await start();
  });
  afterEach(async () => {
    await kernel.close();
    for (const entry of daemons()) {
      process.kill(
        (JSON.parse(readFileSync(join(stateDir, 'wireguard-go', entry, 'record.json'), 'utf8')) as { pid: number }).pid,
      );
    }
    for (const one of [name, second]) if (existsSync(`/run/netns/${one}`)) ip('netns', 'del', one);
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('shows links and addresses as ip does', async () => {
    await netns.createLink({ kind: 'bridge', name: 'br0', mtu: 1400, up: true });
    await netns.createLink({ kind: 'veth', name: 'a0', peer: { name: 'b0', up: true }, up: true });
    await netns.createLink({ kind: 'vxlan', name: 'vx0', vxlan: { vni: 5, port: 4789, group: '192.0.2.1' } });
    await netns.barrier();
    const { index } = netns.link('br0')!;
    await netns.changeLink(index, { alias: 'a b' });
    for (const one of [
      address('10.1.0.1', 24),
      address('10.1.1.1', 32, { peer: '10.1.2.1' }),
      address('2001:db8::1', 64, { noPrefixRoute: true }),
      address('fe80::1', 64, { peer: 'fe80::2' }),
    ]) {
      await netns.addAddress(index, one);
    }
    ip('-n', name, 'link', 'set', 'a0', 'master', 'br0');
    await netns.barrier();
    const links = JSON.parse(ip('-n', name, '-d', '-j', 'link')) as IpLink[];
    // Carrier follows a moment later, so state that depends on it is left out.
    expect(
      [...netns.links()]
        .map((link) => ({
          ifindex: link.index,
          ifname: link.name,
          mtu: link.mtu,
          address: link.mac,
          ifalias: link.alias ?? undefined,
          kind: link.kind || undefined,
          up: link.up,
        }))
        .toSorted((a, b) => a.ifindex - b.ifindex),
    ).toEqual(
      links.map((link) => ({
        ifindex: link.ifindex,
        ifname: link.ifname,
        mtu: link.mtu,
        address: link.address,
        ifalias: link.ifalias,
        kind: link.linkinfo?.info_kind,
        up: link.flags.includes('UP'),
      })),
    );
    const shown = JSON.parse(ip('-n', name, '-j', 'addr', 'show', 'br0')) as IpAddress[];
    const wanted = shown[0]!.addr_info
      .filter(({ local }) => !/^fe80::.*ff:fe/.test(local))
      .map((one) => ({
        family: one.family,
        local: one.local,
        peer: one.address ?? null,
        prefixlen: one.prefixlen,
        noPrefixRoute: one.noprefixroute ?? false,
      }));
    const ours = netns
      .addresses(index)
      .filter(({ local }) => !/^fe80::.*ff:fe/.test(local))
      .map(({ family, local, peer, prefixlen, noPrefixRoute }) => ({ family, local, peer, prefixlen, noPrefixRoute }));
    expect(new Set(ours)).toEqual(new Set(wanted));
    expect(ours).toHaveLength(4);
  });

  it('sees what another program does, at once', async () => {
    ip('-n', name, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', name, 'addr', 'add', '10.1.0.1/24', 'dev', 'br0');
    await netns.barrier();
    const { index } = netns.link('br0')!;
    expect(netns.addresses(index)).toMatchObject([{ local: '10.1.0.1' }]);
    ip('-n', name, 'addr', 'del', '10.1.0.1/24', 'dev', 'br0');
    ip('-n', name, 'link', 'set', 'br0', 'name', 'br1');
    await netns.barrier();
    expect(netns.addresses(index)).toEqual([]);
    expect(netns.link('br1')?.index).toBe(index);
    ip('-n', name, 'link', 'del', 'br1');
    await netns.barrier();
    expect([...netns.links()]).toHaveLength(1);
  });

  it('turns IPv6 on for the link that needs it, and for no other', async () => {
    sysctl(name, '-w', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1');
    for (const one of ['br0', 'br1']) await netns.createLink({ kind: 'bridge', name: one });
    await netns.barrier();
    const { index } = netns.link('br0')!;
    const home = statSync('/proc/thread-self/ns/net').ino;
    await netns.addAddress(index, address('2001:db8::1', 64));
    await netns.barrier();
    expect(netns.addresses(index)).toMatchObject([{ local: '2001:db8::1' }]);
    expect(sysctl(name, 'net.ipv6.conf.br0.disable_ipv6')).toBe('0');
    expect(sysctl(name, 'net.ipv6.conf.br1.disable_ipv6')).toBe('1');
    expect(statSync('/proc/thread-self/ns/net').ino).toBe(home);
  });

  it('is right again after more notifications than it has room for', async () => {
    let resyncs = 0;
    netns.subscribe(({ type }) => {
      if (type === 'resync') resyncs++;
    });
    const lines = Array.from({ length: 8000 }, (_, at) => `link set br0 mtu ${1300 + (at % 100)}`);
    // Nothing is read meanwhile.
    execFileSync('ip', ['-n', name, '-batch', '-'], {
      input: ['link add br0 type bridge', ...lines, 'link set br0 mtu 1234', 'addr add 10.1.0.1/24 dev br0'].join('\n'),
    });
    await netns.barrier();
    expect(resyncs).toBeGreaterThan(0);
    const { index, mtu } = netns.link('br0')!;
    expect(mtu).toBe(1234);
    expect(netns.addresses(index)).toMatchObject([{ local: '10.1.0.1' }]);
  });

  it('is lost when the process ends whose netns it was', async () => {
    const child = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await once(child.stdout, 'data');
      const theirs = await kernel.open(`/proc/${child.pid}/ns/net`);
      expect(theirs.id).not.toBe(netns.id);
      const lost = new Promise((resolve) => {
        theirs.subscribe(resolve);
      });
      child.kill();
      expect(await lost).toMatchObject({ type: 'lost' });
    } finally {
      child.kill();
    }
  });

  it('opens the own netns', async () => {
    const own = await kernel.open('/proc/self/ns/net');
    expect(own.id).toBe(String(statSync('/proc/self/ns/net').ino));
    expect(own.link('lo')).toBeDefined();
    expect(own.id).not.toBe(netns.id);
  });

  describe.skipIf(kernelWireGuard)('wireguard-go', () => {
    beforeEach(async () => {
      await netns.createLink({ kind: 'wireguard', name: 'wg0' });
      await netns.barrier();
    });

    it('is found again by a later agent, wherever the link went, and by wg', async () => {
      const target = await kernel.open(`/run/netns/${second}`);
      await netns.wireguard.set('wg0', { privateKey: key(8), listenPort: 51997, peers: [{ publicKey: publicKey(9) }] });
      await netns.changeLink(netns.link('wg0')!.index, { netns: target });
      await kernel.close();
      await start();
      const again = await kernel.open(`/run/netns/${second}`);
      expect(again.link('wg0')).toMatchObject({ kind: 'wireguard' });
      expect(await again.wireguard.get('wg0')).toMatchObject({
        listenPort: 51997,
        peers: [{ publicKey: publicKey(9) }],
      });
      const tool = join(stateDir, 'wireguard', again.id);
      expect(readdirSync(tool)).toEqual(['wg0.sock']);
      expect(readlinkSync(join(tool, 'wg0.sock'))).toBe(join(daemon().folder, 'wg0.sock'));
      const shown = execFileSync(
        'unshare',
        ['--mount', 'sh', '-c', 'mount --bind "$1" /var/run/wireguard && wg show wg0 peers', 'sh', tool],
        { encoding: 'utf8' },
      );
      expect(shown.trim()).toBe(publicKey(9));
      const { pid } = daemon();
      await again.deleteLink(again.link('wg0')!.index);
      expect(daemons()).toEqual([]);
      expect(existsSync(tool)).toBe(false);
      expect(startTime(pid)).toBeUndefined();
    });

    it('shows no key in its arguments, environment, log or record', async () => {
      await netns.wireguard.set('wg0', {
        privateKey: key(8),
        peers: [{ publicKey: publicKey(9), presharedKey: key(7) }],
      });
      const { folder, pid } = daemon();
      const texts = [
        `/proc/${pid}/cmdline`,
        `/proc/${pid}/environ`,
        join(folder, 'log'),
        join(folder, 'record.json'),
      ].map((path) => readFileSync(path, 'utf8'));
      for (const secret of [key(8), key(7)]) {
        for (const text of texts)
          for (const form of ['hex', 'base64'] as const) expect(text).not.toContain(secret.toString(form));
      }
    });

    it('is cleared away when its process is killed or someone deletes the link', async () => {
      const gone = new Promise<void>((resolve) => {
        netns.subscribe((change) => {
          if (change.type === 'linkRemoved' && change.name === 'wg0') resolve();
        });
      });
      process.kill(daemon().pid, 'SIGKILL');
      await gone;
      await netns.createLink({ kind: 'wireguard', name: 'wg0' });
      const { pid } = daemon();
      expect(daemons()).toHaveLength(1);
      ip('-n', name, 'link', 'del', 'wg0');
      await netns.barrier();
      await netns.createLink({ kind: 'wireguard', name: 'wg0' });
      expect(daemon().pid).not.toBe(pid);
    });

    it('follows a new name', async () => {
      const { index } = netns.link('wg0')!;
      await netns.changeLink(index, { name: 'wg1' });
      await netns.barrier();
      expect(netns.linkAt(index)).toMatchObject({ name: 'wg1', kind: 'wireguard' });
      await netns.wireguard.set('wg1', { fwmark: 3 });
      expect((await netns.wireguard.get('wg1')).fwmark).toBe(3);
      expect(readdirSync(join(stateDir, 'wireguard', netns.id))).toEqual(['wg1.sock']);
    });

    it('follows a name that somebody else gave it, also while no agent ran', async () => {
      const { index } = netns.link('wg0')!;
      const { pid } = daemon();
      ip('-n', name, 'link', 'set', 'wg0', 'name', 'wg1');
      await netns.barrier();
      expect(netns.linkAt(index)).toMatchObject({ name: 'wg1', kind: 'wireguard' });
      await netns.wireguard.set('wg1', { fwmark: 3 });
      await kernel.close();
      ip('-n', name, 'link', 'set', 'wg1', 'name', 'wg2');
      await start();
      expect(netns.linkAt(index)).toMatchObject({ name: 'wg2', kind: 'wireguard' });
      expect((await netns.wireguard.get('wg2')).fwmark).toBe(3);
      expect(readdirSync(join(stateDir, 'wireguard', netns.id))).toEqual(['wg2.sock']);
      // Another program's tun of the first name is not ours.
      ip('-n', name, 'tuntap', 'add', 'wg0', 'mode', 'tun');
      await netns.barrier();
      expect(netns.link('wg0')?.kind).toBe('tun');
      await netns.deleteLink(index);
      expect([startTime(pid), ...daemons()]).toEqual([undefined]);
    });

    it('ends with its netns', async () => {
      const lost = new Promise<void>((resolve) => {
        netns.subscribe((change) => {
          if (change.type === 'lost') resolve();
        });
      });
      const { pid } = daemon();
      ip('netns', 'del', name);
      await lost;
      await vi.waitFor(() => expect([startTime(pid), ...daemons()]).toEqual([undefined]), 20_000);
    });
  });
});
