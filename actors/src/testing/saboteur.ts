/** A program that fights: sets a link's MTU back as soon as anybody changes it. `node saboteur.ts NETNS LINK MTU`; speaks when it listens. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKernel } from '../kernel/index.ts';

const [path = '', name = '', wanted = ''] = process.argv.slice(2);
const stateDir = mkdtempSync(join(tmpdir(), 'ift-saboteur-'));
const kernel = openKernel({ stateDir, report: () => undefined });
process.on('exit', () => rmSync(stateDir, { recursive: true, force: true }));
process.on('SIGTERM', () => process.exit(0));
const netns = await kernel.open(path);
const undo = (): void => {
  const link = netns.link(name);
  if (link && link.mtu !== Number(wanted)) netns.changeLink(link.index, { mtu: Number(wanted) }).catch(() => undefined);
};
netns.subscribe(undo);
undo();
process.stdin.resume();
process.stdout.write('listens\n');
