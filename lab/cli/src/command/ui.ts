import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { spawn } from 'node:child_process';
import { page } from '#page';
import { createLog, stopSignal, UsageError } from '@ifactor/common';
import { Feed } from '../inspector/feed.ts';
import { followFeed, load } from '../inspector/follow.ts';
import { serveInspector } from '../inspector/server/server.ts';
import { feedViewers } from '../inspector/stately.ts';
import { logCommand, openSource, withSource } from '../log/source.ts';
import type { SourceFlags } from '../log/source.ts';

/** Environment variable with the token to require instead of a random one; the lab sets it, so that its address stays the same. */
export const uiToken = 'IFACTOR_UI_TOKEN';

type Flags = SourceFlags & { port: number; stately?: number; open?: boolean; lazy?: boolean };

export function uiCommand(): Command {
  return logCommand('ui', [
    'ifactor ui',
    'ifactor ui --file bug.log',
    'ifactor ui --journal /var/lib/ifactor --port 8080',
    'ifactor ui --stately 8081   (a viewer connects to the address that is printed, which holds the token)',
  ])
    .option('--port <number>', 'port of 127.0.0.1 to serve it at (default: any that is free)', port, 0)
    .option(
      '--stately <port>',
      'feed the live actors to viewers that speak the protocol of @statelyai/inspect and know the token, at this port of 127.0.0.1',
      port,
    )
    .option('--open', 'open it in the browser')
    .addOption(new Option('--lazy', 'build the page when it is first asked for').hideHelp())
    .action(runUi);
}

async function runUi(flags: Flags): Promise<void> {
  const { stately, open = false, lazy = false } = flags;
  const file = flags.file ?? flags.journal;
  if (file !== undefined && stately !== undefined)
    throw new UsageError('--stately feeds live actors: leave out --file and --journal');
  const stop = new AbortController();
  const stopped = stopSignal().then(() => stop.abort());

  const name = file ?? (await import('../log/stream.ts')).natsName(flags);
  const feed = new Feed({ kind: file === undefined ? 'live' : 'file', name });
  if (file !== undefined) await withSource(flags, (source) => load(feed, source));
  const folder = lazy ? undefined : await page(say);
  const token = process.env[uiToken];
  const inspector = await serveInspector(feed, {
    port: flags.port,
    page: async () => folder ?? page(say),
    ...(token === undefined ? {} : { token }),
  });
  const viewers = stately === undefined ? undefined : await feedViewers(feed, stately, inspector.token);
  const following =
    file === undefined ? followFeed({ feed, name, open: () => openSource(flags) }, stop.signal) : undefined;
  // A user who set the token can build the address; the token must not appear in a log.
  if (token === undefined) console.log([inspector.url, ...(viewers ? [viewers.url] : [])].join('\n'));
  createLog('ui').info('ready', {
    port: inspector.port,
    ...(viewers ? { stately: `ws://127.0.0.1:${viewers.port}` } : {}),
  });
  if (open)
    spawn('xdg-open', [inspector.url], { stdio: 'ignore', detached: true })
      .on('error', () => say(`no browser could be opened: go to ${inspector.url}`))
      .unref();

  await stopped;
  await Promise.all([inspector.close(), viewers?.close(), following]);
}

const say = (line: string): void => void process.stderr.write(`ifactor: ${line}\n`);

function port(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65535) throw new InvalidArgumentError('give a port, 0 to 65535');
  return number;
}
