/** The whole path: desired state published in NATS, an agent, the kernel; and what happens when somebody deletes a link. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDesiredSubject, type Desired } from '@ifactor/crds';
import { jetstream } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { startAgent, type Agent } from './agent.ts';
import { Monitor, now } from './monitor.ts';
import { addNetns, run, verify } from './netns.ts';
import { desired, type Bridge } from './workload.ts';

export type Bench = { connection: NatsConnection; url: string; nodes: KV; folder: string; profile?: string };

export type Converged = {
  /** Milliseconds from the first publish to the kernel's last word on the last bridge. */
  took: number;
  /** Milliseconds from the first publish to the last acknowledgement. */
  published: number;
  /** Of the agent: milliseconds of CPU meanwhile, resident megabytes afterwards. */
  cpu: number;
  memory: number;
};

/** `gone`: from the kernel's word that the link is deleted; `asked`: from the start of `ip link del`. Milliseconds. */
export type Healed = { gone: number; asked: number; command: number };

const patience = 120_000;

/** One agent with a home netns of its own brings up the bridges; then `tries` of them are deleted, one after the other. */
export async function runPath(
  bench: Bench,
  list: readonly Bridge[],
  node: string,
  tries: number,
): Promise<{ converged: Converged; healed: Healed[] }> {
  const netns = await addNetns(node);
  const monitor = new Monitor(netns);
  let agent: Agent | undefined;
  try {
    const { url, nodes, folder, profile } = bench;
    agent = await startAgent({
      node,
      nats: url,
      netns,
      folder: join(folder, node),
      nodes,
      ...(profile === undefined ? {} : { profile }),
    });
    const converged = await converge(bench, agent, monitor, node, list);
    await verify(netns, list);
    const healed: Healed[] = [];
    if (tries > 0) await sleep(1000);
    for (let i = 0; i < tries; i++) healed.push(await heal(netns, monitor, list[(i * 37) % list.length]!.name));
    if (tries > 0) await verify(netns, list);
    return { converged, healed };
  } finally {
    await agent?.stop();
    monitor.close();
  }
}

async function converge(
  { connection }: Bench,
  agent: Agent,
  monitor: Monitor,
  node: string,
  list: readonly Bridge[],
): Promise<Converged> {
  const stream = jetstream(connection);
  const messages = list.map((bridge) => message(desired(node, bridge)));
  const complete = monitor.complete(
    list.map(({ name }) => name),
    patience,
  );
  const cpu = agent.cpu();
  const start = now();
  await Promise.all(
    messages.map(([subject, payload, msgID]) => stream.publish(subject, payload, { msgID, timeout: patience })),
  );
  const published = now() - start;
  const took = (await complete) - start;
  return { took, published, cpu: agent.cpu() - cpu, memory: agent.memory() };
}

async function heal(netns: string, monitor: Monitor, name: string): Promise<Healed> {
  monitor.forget(name);
  const start = now();
  const complete = monitor.complete([name], 30_000);
  const deleting = run('ip', ['-n', netns, 'link', 'del', name]).then(now);
  const [ended, at] = await Promise.all([deleting, complete]);
  const deleted = monitor.deletedAt(name);
  if (deleted === undefined) throw new Error(`ip monitor did not tell of the deletion of ${name}`);
  await sleep(20);
  return { gone: at - deleted, asked: at - start, command: ended - start };
}

function message(object: Desired): [subject: string, payload: string, id: string] {
  const { kind, namespace, name, uid, resourceVersion } = object;
  const { node } = object.spec as { node: string };
  return [
    formatDesiredSubject({ node, kind: kind.toLowerCase(), namespace, name }),
    JSON.stringify(object),
    `${uid}-${resourceVersion}`,
  ];
}
