import { hostname, userInfo } from 'node:os';
import { systemClock, UsageError } from '@ifactor/common';
import type { Key } from '@ifactor/crds';
import type { NatsConnection } from '@nats-io/transport-node';
import { Command } from 'commander';
import { parseDuration, parseObject, parseTime } from '../log/selector.ts';
import { reaching } from '../log/source.ts';
import type { ReachFlags } from '../log/source.ts';
import { askAgent, nodesToAsk } from './agents.ts';

type Flags = ReachFlags & {
  namespace: string;
  node?: string;
  all?: boolean;
  by: string;
  reason?: string;
  for?: string;
  until?: string;
};
type Action = 'pause' | 'resume' | 'resync';
/** Of one interface. `changes` false: nothing is done to the kernel, and why. */
type Answer = { key: Key; note?: string };

const done: { readonly [A in Action]: string } = { pause: 'paused', resume: 'resumed', resync: 'looked at again' };

export const pauseCommand = (): Command =>
  requestCommand('pause')
    .option('--reason <text>', 'why, for the condition of the interface')
    .option('--for <duration>', 'how long, such as 30m or 2h; then the agent resumes by itself')
    .option('--until <time>', 'until when, such as 2026-11-23T03:12:00Z')
    .addHelpText(
      'after',
      "\nThe interface stays as it is meanwhile, and its condition says what differs. To say the same in Git: spec.mode: Paused.\n\nExamples:\n  ifactor pause nl/br1 --for 2h --reason 'switch is being replaced'\n  ifactor pause --all --node lax1 --for 30m\n",
    );

export const resumeCommand = (): Command =>
  requestCommand('resume').addHelpText('after', '\nExamples:\n  ifactor resume nl/br1\n');

export const resyncCommand = (): Command =>
  requestCommand('resync').addHelpText(
    'after',
    '\nThe agent follows the kernel anyway: this is for changes that the kernel did not notify.\n\nExamples:\n  ifactor resync nl/br1\n',
  );

const requestCommand = (action: Action): Command =>
  reaching(new Command(action))
    .argument('[object]', 'KIND/NAME or KIND/NAMESPACE/NAME')
    .option('--all', 'every interface')
    .option('-n, --namespace <name>', 'namespace for KIND/NAME', 'default')
    .option('--node <name>', 'only on this node (default: on every node)')
    .option('--by <name>', 'who asks', `${userInfo().username}@${hostname()}`)
    .action((object: string | undefined, flags: Flags) => request(action, object, flags));

async function request(action: Action, object: string | undefined, flags: Flags): Promise<void> {
  if ((object === undefined) !== (flags.all === true)) throw new UsageError('name one object, or give --all');
  const key = object === undefined ? null : parseObject(object, flags.namespace);
  const asked = JSON.stringify({
    interface: key === null ? '' : `${key.kind}/${key.namespace}/${key.name}`,
    by: flags.by,
    reason: flags.reason,
    until: untilOf(flags, systemClock.now()),
  });
  const { connectBy } = await import('../log/stream.ts');
  const connection = await connectBy(flags);
  try {
    const count = await askAll(connection, action, asked, flags.node);
    if (count > 0) return;
    console.error(`no agent has ${object ?? 'an interface'}`);
    process.exitCode = 1;
  } finally {
    await connection.close();
  }
}

/** The end of a pause, RFC 3339; undefined: it has none. @throws UsageError */
export function untilOf({ for: duration, until }: Pick<Flags, 'for' | 'until'>, now: number): string | undefined {
  if (duration !== undefined && until !== undefined) throw new UsageError('give --for or --until, not both');
  if (duration === undefined && until === undefined) return undefined;
  const end = duration === undefined ? parseTime(until ?? '', now) : now + parseDuration(duration);
  if (end <= now) throw new UsageError(`${until ?? duration} is not in the future`);
  return new Date(end).toISOString();
}

/** @returns of how many interfaces an agent answered */
async function askAll(
  connection: NatsConnection,
  action: Action,
  asked: string,
  node: string | undefined,
): Promise<number> {
  let count = 0;
  for (const name of await nodesToAsk(connection, node)) {
    const answer = await askAgent<Answer[] | { error: string }>(connection, name, action, asked);
    if (answer === null) {
      console.error(`the agent of node ${name} does not answer`);
      process.exitCode = 1;
    } else if ('error' in answer) {
      // Most agents do not have the one that is named.
      if (answer.error !== 'not found') throw new Error(`node ${name}: ${answer.error}`);
    } else {
      for (const { key, note } of answer) {
        const what = `${key.kind}/${key.namespace}/${key.name}`;
        console.log(`${name}: ${what} ${note === undefined ? done[action] : `not changed: ${note}`}`);
      }
      count += answer.length;
    }
  }
  return count;
}
