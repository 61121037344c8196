import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createLog, systemClock } from '@ifactor/common';
import type { NewMessage } from '@ifactor/common/eventStore';
import { ensureStreams, eventStoreOf, streams } from '@ifactor/common/nats';
import { NodeEntrySchema, signatureHeaders as names } from '@ifactor/crds';
import type { NodeEntry } from '@ifactor/crds';
import { describe, expect, test, vi } from 'vitest';
import { systemRuntime } from '../../runtime.ts';
import { natsBench } from '../../testing/bench.ts';
import { declaredBridge, TestSigner } from '../../testing/signing.ts';
import { serve } from '../serve.ts';
import { trustKey } from './pin.ts';

vi.setConfig({ testTimeout: 120_000 });
const soon = { timeout: 60_000, interval: 20 };

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('an agent whose NATS others may write to', () => {
  const bench = natsBench();

  test('does what the bridge signed and nothing else, says what it refused, and follows a person who trusts another key', async () => {
    const connection = await bench.dial();
    const bucket = await ensureStreams(connection);
    const store = eventStoreOf(connection);
    const netns = `ift-${process.pid}-trust`;
    execFileSync('ip', ['netns', 'add', netns]);
    bench.cleanup(() => void execFileSync('ip', ['netns', 'del', netns]));
    const stateDir = join(bench.folder, 'state');
    const stop = new AbortController();
    const running = serve(
      {
        node: 'n1',
        nats: { servers: bench.nats.url, name: netns },
        stateDir,
        places: { aliases: new Map(), home: `/run/netns/${netns}` },
        version: '0.1.0',
        keepKeysDays: 30,
      },
      systemRuntime(createLog(netns, 'info', () => undefined)),
      stop.signal,
      100,
    );
    bench.cleanup(async () => {
      stop.abort();
      await running;
    });
    const links = (): string => execFileSync('ip', ['-n', netns, '-o', 'link'], { encoding: 'utf8' });
    const write = (message: NewMessage): Promise<unknown> => store.append(streams.desired, message);
    const shows = (pattern: RegExp): Promise<void> => vi.waitFor(() => expect(links()).toMatch(pattern), soon);
    const refused = async (): Promise<NodeEntry['refused']> => {
      const entry = await bucket.get('n1');
      return entry ? NodeEntrySchema.parse(entry.json()).refused : undefined;
    };

    const bridge = new TestSigner();
    const mallory = new TestSigner();
    const first = bridge.sign(declaredBridge('br0', 1));
    await write(first);
    await write(bridge.sign(declaredBridge('br0', 2)));
    await shows(/br0: .*mtu 1302/);

    const elsewhere = bridge.sign(declaredBridge('br0', 9), 'n2');
    const [altered, gone] = [
      bridge.sign(declaredBridge('br0', 3)),
      declaredBridge('br0', 9, { deleted: true, spec: {} }),
    ];
    for (const attack of [
      { ...first, headers: {} },
      first,
      { ...elsewhere, subject: first.subject },
      { ...altered, body: altered.body.replace('1303', '1309') },
      { ...altered, headers: { ...altered.headers, [names.revision]: '999999' } },
      mallory.sign(declaredBridge('br0', 9)),
      mallory.sign(declaredBridge('mallory', 1)),
      mallory.sign(gone),
      { ...bridge.sign(gone), headers: {} },
    ])
      await write(attack);
    // What follows in the stream proves that all of that was read.
    await write(bridge.sign(declaredBridge('br1', 1)));
    await shows(/br1: /);
    expect(links()).toMatch(/br0: .*mtu 1302/);
    expect(links()).not.toContain('mallory');
    // It is still healed.
    execFileSync('ip', ['-n', netns, 'link', 'set', 'br0', 'mtu', '1200']);
    await shows(/br0: .*mtu 1302/);
    await vi.waitFor(async () => expect(await refused()).toMatchObject({ objects: 2, reason: 'Unsigned' }), soon);

    bridge.rotate();
    await write(bridge.sign(declaredBridge('br0', 4)));
    await shows(/br0: .*mtu 1304/);
    bridge.rotate(false);
    await write(bridge.sign(declaredBridge('br0', 5)));
    await vi.waitFor(async () => expect(await refused()).toMatchObject({ reason: 'OtherKey' }), soon);
    expect(links()).toMatch(/br0: .*mtu 1304/);
    trustKey(stateDir, bridge.publicKey, systemClock);
    await shows(/br0: .*mtu 1305/);
  });
});
