/** `npm run bench`: how fast desired state becomes links, beside `ip -batch` in the same run, on the same machine. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectOnce, ensureStreams } from '@ifactor/common/nats';
import { explain } from '@ifactor/common';
import { startNats } from '@ifactor/common/testing';
import { natsProgram } from './natsProgram.ts';
import { addNetns, deleteAllNetns, dropAllNetns, verify } from './netns.ts';
import { runPath } from './path.ts';
import { runPeer } from './peer.ts';
import { endAll } from './processes.ts';
import { readProfiles } from './profile.ts';
import { child } from './layer.ts';
import { logText, measureKeeping, measureLog } from './log.ts';
import { type FoldRates, keptText } from './logReport.ts';
import { report, type Result } from './report.ts';
import { measureStart, startText } from './start.ts';
import { churnText, measureChurn } from './churn.ts';
import { measureWindow, windowText } from './window.ts';
import { bridges } from './workload.ts';

const help = `usage: npm run bench -- [quick | log | journal | start | window | churn] [options]

quick: bridges (mtu, IPv4, IPv6, up) from desired state in NATS to the kernel, by a real agent, and by \`ip -batch\`: interleaved,
medians of several repetitions. Beside them the parts alone: netlink layer, actors without NATS, machine, journal; and the time
from \`ip link del\` to healed. Needs root and iproute2; takes the lab's nats-server. Touches only network namespaces of its own,
which it removes at the end (some 20 ms per bridge, whoever asks).

log: the machine folding events beside XState and JSON.parse; seeks in a journal of a million events; memory for each of 100 000
interfaces at rest. Needs neither root nor NATS.

journal: the bridges converge by actors alone, with a journal, with a journal that is shipped to NATS: what keeping the log costs.

start: the built programs from their start to their end with --help, an agent until it is ready, beside \`node -e 0\`: time and CPU.
Needs root.

window: a stream of a million events opened by the inspector and by \`ifactor events\`: time and memory, beside a consumer alone.

churn: many interfaces and their churn in the streams: memory, disk and start of nats-server, and a bridge for them.

  --count N         bridges (default 1000)
  --events N        of the journal for seeks, of the stream for window (default 1000000)
  --actors N        at rest (default 100000)
  --repetitions N   (default 3)
  --tries N         deletions (default 50)
  --interfaces N    for churn (default 5000)
  --days N          of churn, with an event a day for each interface (default 30)
  --url ADDRESS     window: of a server that was filled by a run before
  --profile         take a CPU profile of the agent: where its time goes
  --json            one JSON document instead of text
  --help
`;

const options = {
  count: { type: 'string', default: '1000' },
  repetitions: { type: 'string', default: '3' },
  tries: { type: 'string', default: '50' },
  events: { type: 'string', default: '1000000' },
  actors: { type: 'string', default: '100000' },
  interfaces: { type: 'string', default: '5000' },
  days: { type: 'string', default: '30' },
  url: { type: 'string' },
  profile: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** For state, logs and profiles, once it is made. */
let folder: string | undefined;
let stopping = false;

try {
  process.exitCode = await main();
} catch (error) {
  // What fails while all is being taken down is no news.
  if (!stopping) console.error(`bench: ${explain(error)}`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({ options, allowPositionals: true });
  } catch (error) {
    console.error(`bench: ${explain(error)}\n\n${help}`);
    return 2;
  }
  const { values, positionals } = parsed;
  const [count, repetitions, tries, events, actors, interfaces, days] = [
    values.count,
    values.repetitions,
    values.tries,
    values.events,
    values.actors,
    values.interfaces,
    values.days,
  ].map(Number);
  const numbers =
    [count, repetitions, tries, events, actors, interfaces, days].every(
      (value) => Number.isSafeInteger(value) && value! >= 0,
    ) &&
    count! > 0 &&
    count! <= 20_000 &&
    repetitions! > 0 &&
    events! >= 1000 &&
    actors! > 0 &&
    interfaces! > 0;
  if (values.help) {
    console.log(help);
    return 0;
  }
  const [what = 'quick'] = positionals;
  if (positionals.length > 1 || !['quick', 'log', 'journal', 'start', 'window', 'churn'].includes(what) || !numbers) {
    console.error(help);
    return 2;
  }
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const made = (folder = mkdtempSync(join(tmpdir(), 'ift-bench-')));
  try {
    if (what === 'log') {
      const result = await measureLog({ folder: made, events: events!, actors: actors!, progress });
      console.log(values.json ? JSON.stringify(result) : logText(result));
      return 0;
    }
    if (what === 'window') {
      const { url } = values;
      const result = await measureWindow({
        folder: made,
        events: events!,
        progress,
        ...(url === undefined ? {} : { url }),
      });
      console.log(values.json ? JSON.stringify(result) : windowText(result));
      return 0;
    }
    if (what === 'churn') {
      const result = await measureChurn({ folder: made, interfaces: interfaces!, days: days!, progress });
      console.log(values.json ? JSON.stringify(result) : churnText(result));
      return 0;
    }
    if (process.getuid?.() !== 0) throw new Error('network namespaces are needed: run it as root');
    if (what === 'start') {
      const result = await measureStart({ folder: made, repetitions: repetitions!, progress });
      console.log(values.json ? JSON.stringify(result) : startText(result));
      return 0;
    }
    if (what === 'journal') {
      const result = await measureKeeping({ folder: made, count: count!, repetitions: repetitions!, progress });
      console.log(values.json ? JSON.stringify(result) : keptText(count!, result).join('\n'));
      return 0;
    }
    const result = await measure({
      made,
      count: count!,
      repetitions: repetitions!,
      tries: tries!,
      profile: values.profile,
    });
    console.log(values.json ? JSON.stringify(result) : report(result));
  } finally {
    progress('removing the bridges: the kernel takes its time');
    await deleteAllNetns();
    rmSync(made, { recursive: true, force: true });
    progress('');
  }
  return 0;
}

function stop(): void {
  if (stopping) return;
  stopping = true;
  void endAll()
    .then(dropAllNetns)
    .finally(() => {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      process.exit(130);
    });
}

async function measure({
  made,
  count,
  repetitions,
  tries,
  profile,
}: {
  made: string;
  count: number;
  repetitions: number;
  tries: number;
  profile: boolean;
}): Promise<Result> {
  const profiles = join(made, 'profiles');
  const list = bridges(count);
  const result: Result = {
    count,
    peer: [],
    netlink: 0,
    actors: 0,
    path: [],
    healed: [],
    fold: { fold: 0, recorded: 0, step: 0, transition: 0, parse: 0, parsedAndFolded: 0 },
    journal: {},
    profile: null,
  };
  const nats = await startNats({ folder: made, program: await natsProgram() });
  const connection = await connectOnce({ servers: nats.url, name: 'bench' });
  try {
    const nodes = await ensureStreams(connection);
    for (let i = 0; i < repetitions; i++) {
      const last = i === repetitions - 1;
      progress(`${i + 1} of ${repetitions}: ip -batch`);
      result.peer.push(await runPeer(list, `peer${i}`));
      if (i === 0) {
        progress('netlink layer, actors without NATS');
        result.netlink = await runLayer('netlink', count, 'netlink');
        result.actors = await runLayer('actors', count, 'actors');
      }
      progress(`${i + 1} of ${repetitions}: the whole path`);
      const bench = { connection, url: nats.url, nodes, folder: made, ...(profile ? { profile: profiles } : {}) };
      const { converged, healed } = await runPath(bench, list, `bench${i}`, last ? tries : 0);
      result.path.push(converged);
      result.healed.push(...healed);
    }
    progress('machine and journal');
    result.fold = await child<FoldRates>('fold');
    result.journal = await child<Record<string, number>>('journal');
    if (profile && existsSync(profiles)) result.profile = readProfiles(profiles);
    return result;
  } finally {
    await connection.close();
    await nats.stop();
  }
}

async function runLayer(name: 'netlink' | 'actors', count: number, label: string): Promise<number> {
  const netns = await addNetns(label);
  const took = await child<number>(name, [`/run/netns/${netns}`, String(count)]);
  await verify(netns, bridges(count));
  return took;
}

function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}
