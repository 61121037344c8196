import { explain, UsageError } from '@ifactor/common';
import { pageAnswers } from './answer.ts';
import { readDropped } from '../history/dropped.ts';
import { Feed } from '../feed.ts';
import type { PageAnswer, Asks, SourceInfo, Told } from '../protocol.ts';

type Say = (message: PageAnswer | Told) => void;

/** The session of one page: its feed and its requests. A file opened in the page is visible to this session only. */
export class InspectorSession {
  readonly #main: Feed;
  readonly #say: Say;
  #feed: Feed;
  #unwatch: () => void;
  #closed = false;

  constructor(main: Feed, say: Say) {
    this.#main = main;
    this.#say = say;
    this.#feed = main;
    this.#unwatch = main.watch(say);
  }

  /** Answers a message of the page's; never throws. */
  async hear(text: string): Promise<void> {
    let id = 0;
    try {
      const message = parse(text);
      ({ id } = message);
      this.#say({ id, answer: await this.#answer(message) });
    } catch (error) {
      if (!(error instanceof UsageError))
        process.stderr.write(`ifactor: an answer to the inspector's page failed: ${explain(error)}\n`);
      this.#say({
        id,
        error: error instanceof UsageError ? explain(error) : 'the request failed; see the output of the server',
      });
    }
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
  }

  async #answer({ ask, request }: Question): Promise<unknown> {
    if (ask === 'open') return this.#open(request as Asks['open']['request']);
    if (!Object.hasOwn(pageAnswers, ask)) throw new UsageError(`${JSON.stringify(ask)} is no known request`);
    const answer = pageAnswers[ask as keyof typeof pageAnswers] as (feed: Feed, asked: unknown) => unknown;
    return answer(this.#feed, request ?? {});
  }

  async #open(file: Asks['open']['request']): Promise<SourceInfo> {
    let feed = this.#main;
    if (file !== null) {
      if (typeof file?.name !== 'string' || typeof file.text !== 'string')
        throw new UsageError('a file has a name and a text');
      feed = new Feed({ kind: 'file', name: file.name }, await readDropped(file.name, file.text));
      await feed.settled();
    }
    this.#unwatch();
    this.#feed = feed;
    // The page may have disconnected while its file was read.
    if (!this.#closed) this.#unwatch = feed.watch(this.#say);
    return feed.source;
  }
}

/** A request as received, not yet validated. */
type Question = { id: number; ask: string; request: unknown };

/** @throws UsageError on a message that the inspector's page does not send */
function parse(text: string): Question {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new UsageError('this is not JSON');
  }
  const { id, ask, request } = (message ?? {}) as { id?: unknown; ask?: unknown; request?: unknown };
  if (typeof id !== 'number' || typeof ask !== 'string')
    throw new UsageError('a question has a number, as id, and what it asks');
  return { id, ask, request };
}
