import { explain, UsageError } from '@ifactor/crds';
import { answers } from './answer.ts';
import { readDropped } from './dropped.ts';
import { Feed } from './feed.ts';
import type { Answer, Ask, Asks, Request, SourceInfo, Told } from './protocol.ts';

type Say = (message: Answer | Told) => void;

/** One page: what it watches, and its questions answered. A dropped file is this page's alone and goes with it. */
export class Session {
  readonly #main: Feed;
  readonly #say: Say;
  #feed: Feed;
  #unwatch: () => void;

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
      this.#say({ id, answer: await this.#answer(message.ask, message.request) });
    } catch (error) {
      if (!(error instanceof UsageError)) process.stderr.write(`ifactor: an answer to the inspector's page failed: ${explain(error)}\n`);
      this.#say({ id, error: error instanceof UsageError ? explain(error) : 'this could not be answered; the server has said why on its own output' });
    }
  }

  close(): void {
    this.#unwatch();
  }

  async #answer(ask: Ask, request: unknown): Promise<unknown> {
    if (ask === 'open') return this.#open(request as Asks['open']['request']);
    const answer = answers[ask] as (feed: Feed, asked: unknown) => unknown;
    return answer(this.#feed, request ?? {});
  }

  async #open(file: Asks['open']['request']): Promise<SourceInfo> {
    let feed = this.#main;
    if (file !== null) {
      if (typeof file?.name !== 'string' || typeof file.text !== 'string') throw new UsageError('a file has a name and a text');
      feed = new Feed({ kind: 'file', name: file.name }, await readDropped(file.name, file.text));
      await feed.settled();
    }
    this.#unwatch();
    this.#feed = feed;
    this.#unwatch = feed.watch(this.#say);
    return feed.source;
  }
}

/** @throws UsageError on what no page of ours says */
function parse(text: string): Request {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new UsageError('this is not JSON');
  }
  const { id, ask } = (message ?? {}) as { id?: unknown; ask?: unknown };
  if (!Number.isSafeInteger(id)) throw new UsageError('a question has a number, as id');
  if (typeof ask !== 'string' || !(ask === 'open' || Object.hasOwn(answers, ask))) throw new UsageError(`${JSON.stringify(ask)} cannot be asked`);
  return message as Request;
}
