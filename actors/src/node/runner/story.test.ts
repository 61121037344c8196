import { execFileSync } from 'node:child_process';
import { eventWords } from '@ifactor/crds/words';
import { describe, expect, test } from 'vitest';
import { openMachine } from '../../testing/machine.ts';
import { TestNode } from '../../testing/node.ts';

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('the story of an interface', () => {
  test('of a veth that somebody deleted begins with that, and then says what we created', async () => {
    const bench = await openMachine();
    const paths: { [name: string]: string } = {};
    for (const name of ['home', 'near', 'far']) paths[name] = await bench.addNetns();
    const node = new TestNode({ kernel: bench.kernel, path: (name) => paths[name] ?? '' });
    try {
      const actor = node.apply('NetlinkInterface', 've', {
        interfaceName: 've0',
        type: 'veth',
        up: true,
        addresses: [],
        container: { docker: { name: 'near' } },
        veth: { peer: { interfaceName: 've1', container: { docker: { name: 'far' } } } },
      });
      await node.settles(actor, 'moved-to-netns');
      const from = node.journal.sequence;
      const near = paths['near']?.replace('/run/netns/', '') ?? '';
      execFileSync('ip', ['-n', near, 'link', 'del', 've0']);
      await node.until(
        () => node.events(actor).some(({ sequence, type }) => sequence > from && type === 'LinkCreated'),
        () => node.story(actor),
      );
      await node.settles(actor, 'moved-to-netns');
      const story = node.events(actor).filter(({ sequence }) => sequence > from);
      expect(story[0]).toMatchObject({ type: 'DriftObserved', state: 'drifted' });
      expect(eventWords(story[0]!)).toContain('link ve0 was deleted');
      // The far end went with it: what of it was still in the cache is not told as removed by us.
      for (const event of story)
        if (event.type === 'LinkRemoved') expect(eventWords(event)).toMatch(/^link ve1 was already gone/);
      expect(story.map(({ type }) => type)).toContain('LinkCreated');
    } finally {
      node.dispose();
      await bench.close();
    }
  });
});
