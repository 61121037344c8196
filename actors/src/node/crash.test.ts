import { describe, expect, test } from 'vitest';
import { MemoryKernel } from '../testing/memory/kernel.ts';
import type { Kernel, Netns } from '../kernel/index.ts';
import { openMachine } from '../testing/machine.ts';
import { TestNode } from '../testing/node.ts';

/* An agent that dies at any request to the kernel leaves what its successor can finish, and nothing of it on the host. */

const container = { docker: { name: 'box' } };
const far = { docker: { name: 'far' } };
type Subject = {
  kind: 'NetlinkInterface' | 'WireGuardInterface';
  spec: object;
  links: { box: string[]; far?: string[] };
};
const subjects: { [name: string]: Subject } = {
  bridge: {
    kind: 'NetlinkInterface',
    links: { box: ['x0'] },
    spec: {
      interfaceName: 'x0',
      type: 'bridge',
      up: true,
      mtu: 1400,
      addresses: [{ ipcidr: '10.0.0.1/24' }, { ipcidr: 'fd00::1/64' }],
      container,
      bridge: { slaves: ['slave0'] },
    },
  },
  vxlan: {
    kind: 'NetlinkInterface',
    links: { box: ['x0'] },
    spec: {
      interfaceName: 'x0',
      type: 'vxlan',
      up: true,
      mtu: 1400,
      addresses: [{ ipcidr: '10.0.0.1/24' }],
      container,
      vxlan: { vni: 7, local: '10.9.9.1' },
    },
  },
  veth: {
    kind: 'NetlinkInterface',
    links: { box: ['x0'], far: ['x1'] },
    spec: {
      interfaceName: 'x0',
      type: 'veth',
      up: true,
      mtu: 1400,
      addresses: [{ ipcidr: '10.0.0.1/24' }],
      container,
      veth: { peer: { interfaceName: 'x1', container: far, addresses: [{ ipcidr: '10.0.0.2/24' }] } },
    },
  },
  wireguard: {
    kind: 'WireGuardInterface',
    links: { box: ['x0'] },
    spec: {
      interfaceName: 'x0',
      moveToContainer: true,
      container,
      mtu: 1400,
      listenPort: 0,
      addresses: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }],
      peers: [
        { publicKey: Buffer.alloc(32, 9).toString('base64'), allowedIPs: ['10.0.0.0/24'], endpoint: '192.0.2.1:5' },
      ],
    },
  },
};

const requests = ['createLink', 'changeLink', 'deleteLink', 'addAddress', 'removeAddress'] as const;

/** A kernel under an agent that dies at its request number `at`: before the kernel heard of it, or after it was done. */
class Mortal implements Kernel {
  readonly #kernel: Kernel;
  readonly #at: number;
  readonly #done: boolean;
  #count = 0;
  readonly died: Promise<void>;
  readonly #die: () => void;

  constructor(kernel: Kernel, at: number, done: boolean) {
    this.#kernel = kernel;
    this.#at = at;
    this.#done = done;
    ({ promise: this.died, resolve: this.#die } = Promise.withResolvers<void>());
  }

  async open(path: string): Promise<Netns> {
    const netns = await this.#kernel.open(path);
    const request =
      (act: (...args: unknown[]) => Promise<unknown>) =>
      async (...args: unknown[]): Promise<unknown> => {
        const dies = ++this.#count >= this.#at;
        if (dies && !this.#done) return this.#dead();
        // Requests name other netns by what the agent was given.
        const result = await act(...args.map(inner));
        return dies ? this.#dead() : result;
      };
    const wireguard = {
      get: (name: string) => netns.wireguard.get(name),
      set: request((name, change) => netns.wireguard.set(name as string, change as object)),
    };
    const own = new Proxy(netns, {
      get: (target, name: keyof Netns) => {
        if (name === 'wireguard') return wireguard;
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const bound = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
        return (requests as readonly string[]).includes(name) ? request(bound) : bound;
      },
    });
    inners.set(own, netns);
    return own;
  }

  async close(): Promise<void> {}

  #dead(): Promise<never> {
    this.#die();
    return new Promise(() => {});
  }
}

const inners = new WeakMap<object, Netns>();

/** The same with the kernel's own netns in place of those that were given out. */
function inner(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  const netns = inners.get(value);
  if (netns) return netns;
  return Array.isArray(value)
    ? value
    : Object.fromEntries(Object.entries(value).map(([name, part]) => [name, inner(part)]));
}

type Places = { [name: string]: string };

/** One life that ends at that request, and the next. False where the first life had no such request. */
async function dieAt(
  at: number,
  done: boolean,
  { kind, spec, links }: Subject,
  kernel: Kernel,
  paths: Places,
): Promise<boolean> {
  const mortal = new Mortal(kernel, at, done);
  const path = (name: string): string => paths[name] ?? '';
  const wake = (node: TestNode) => {
    node.secret('default', 'x', 'privateKey', Buffer.alloc(32, 1));
    return node.apply(kind, 'x', spec);
  };
  const box = await kernel.open(path('box'));
  await box.createLink({ kind: 'veth', name: 'slave0', peer: { name: 'slave1' } });
  const first = new TestNode({ kernel: mortal, path });
  const whole = first.settles(wake(first), 'moved-to-netns').then(() => true);
  const outlived = await Promise.race([mortal.died.then(() => false), whole]);
  void whole.catch(() => {});
  first.stop();
  const next = new TestNode({ kernel, path, folder: first.folder });
  try {
    next.secret('default', 'x', 'privateKey', Buffer.alloc(32, 1));
    next.runner.restore('test');
    const actor = wake(next);
    await next.settles(actor, 'moved-to-netns');
    for (const place of ['home', 'box', 'far'] as const) {
      const netns = await kernel.open(path(place));
      await netns.barrier();
      const ours = [...netns.links()].map(({ name }) => name).filter((name) => !/^(lo|slave\d)$/.test(name));
      expect(ours, `links in ${place}`).toEqual(place === 'home' ? [] : (links[place] ?? []));
      netns.close();
    }
    next.delete(kind, 'x');
    await next.settles(actor, 'deleted');
    await box.barrier();
    await box.deleteLink(box.link('slave0')?.index ?? 0);
    await box.barrier();
    return !outlived;
  } finally {
    next.dispose();
    box.close();
  }
}

describe.each(Object.entries(subjects))('%s', (_name, subject) => {
  test.each([
    ['before', false],
    ['after', true],
  ])('dies %s each request', async (_when, done) => {
    let at = 1;
    for (let more = true; more; at++) {
      const kernel = new MemoryKernel();
      for (const path of ['/home', '/box', '/far']) kernel.addNetns(path);
      more = await dieAt(at, done, subject, kernel, { home: '/home', box: '/box', far: '/far' });
      await kernel.close();
    }
    // As many requests as the kind takes to be made, and one life that outlived them all.
    expect(at).toBeGreaterThan(3);
  });

  // Network namespaces need root.
  test.skipIf(process.getuid?.() !== 0)('dies after each request to the real kernel', async () => {
    const bench = await openMachine();
    try {
      const paths = { home: await bench.addNetns(), box: await bench.addNetns(), far: await bench.addNetns() };
      let at = 1;
      while (await dieAt(at, true, subject, bench.kernel, paths)) at++;
      expect(at).toBeGreaterThan(2);
    } finally {
      await bench.close();
    }
  });
});
