import pc from 'picocolors';
import { UsageError } from '@ifactor/common';
import type { Manifest } from '../cluster/manifest.ts';
import { linksOf, removeAll } from './remove.ts';
import { Stage } from './stage.ts';
import { steps, type Outcome } from './steps.ts';

/**
 * Performs the walkthrough on a running lab.
 * @throws UsageError where the lab lacks a node or a container of the walkthrough, LabError at the first step that fails
 */
export async function demo(lab: Manifest, abort: AbortSignal): Promise<void> {
  check(lab);
  const stage = new Stage(lab, abort);
  const before = await linksOf(stage);
  const outcomes: [string, Outcome][] = [];
  const perform = async (title: string, act: () => Promise<Outcome>) => {
    stage.say(`\n${pc.bold(`${outcomes.length + 1}. ${title}`)}`);
    outcomes.push([title, await act()]);
  };
  try {
    for (const { title, act } of steps) await perform(title, () => act(stage));
    await perform('Deleted: gone from the API, gone from the kernel', async () => {
      await removeAll(stage, before);
      return 'done';
    });
  } catch (error) {
    if (!abort.aborted) {
      stage.say(`\n${pc.red('This step failed.')} How things stand:`);
      await stage.show(stage.kubectl('get', 'wgp,wgi,nl', '--output', 'wide')).catch(() => '');
    }
    throw error;
  }
  stage.say();
  for (const [title, outcome] of outcomes)
    stage.say(
      `${outcome === 'done' ? pc.green('✓') : pc.yellow('–')} ${title}${outcome === 'done' ? '' : `: ${outcome}`}`,
    );
}

function check(lab: Manifest): void {
  const names = new Set([...lab.nodes, ...lab.containers].map(({ name }) => name));
  const lacking = ['lax1', 'lax2', 'agent1', 'agent2'].filter((name) => !names.has(name));
  if (lacking.length > 0)
    throw new UsageError(
      `the lab in ${lab.dir} does not have ${lacking.join(', ')}, which the walkthrough needs: try another --dir`,
    );
}
