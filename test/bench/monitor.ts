/** Watches a netns from outside, by `ip monitor`: when each bridge became complete, and when one was deleted. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { own } from './processes.ts';

/** Milliseconds since 1970, with a fraction. */
export type Instant = number;

export const now = (): Instant => performance.timeOrigin + performance.now();

type Part = 'up' | 'inet' | 'inet6';
type Waiter = { names: Set<string>; last: Instant; resolve: (at: Instant) => void };

const line = /^\[([^\]]+)\] (Deleted )?\d+: ([^:@\s]+)(?:@\S+)?(:|\s+inet6?) (\S+)/;

export class Monitor {
  readonly #process: ChildProcess;
  readonly #parts = new Map<string, Map<Part, Instant>>();
  readonly #deleted = new Map<string, Instant>();
  readonly #waiters = new Set<Waiter>();
  #failed: ((error: Error) => void) | undefined;
  readonly failure: Promise<never>;

  constructor(netns: string) {
    this.#process = own(
      spawn('ip', ['-n', netns, '-ts', '-o', '-rc', String(64 << 20), 'monitor', 'link', 'address'], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
      }),
    );
    this.failure = new Promise((_, reject) => {
      this.#failed = reject;
    });
    this.failure.catch(() => {});
    this.#process.on('exit', (code) => this.#failed?.(new Error(`ip monitor ended with ${code}`)));
    this.#process.stderr!.on('data', (text: Buffer) =>
      this.#failed?.(new Error(`ip monitor: ${text.toString().trim()}`)),
    );
    createInterface({ input: this.#process.stdout! }).on('line', (text) => this.#read(text));
  }

  /** Resolves to the instant at which the kernel told of the last part of the last of these bridges. */
  complete(names: Iterable<string>, within: number): Promise<Instant> {
    const left = new Set([...names].filter((name) => !this.#isComplete(name)));
    const done = new Promise<Instant>((resolve, reject) => {
      if (left.size === 0) {
        resolve(now());
        return;
      }
      const waiter: Waiter = { names: left, last: 0, resolve };
      this.#waiters.add(waiter);
      setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(
          new Error(
            `${waiter.names.size} bridges are not complete after ${within} ms, such as ${[...waiter.names][0]}`,
          ),
        );
      }, within).unref();
    });
    return Promise.race([done, this.failure]);
  }

  /** When the kernel last told of the deletion of a link of this name. */
  deletedAt(name: string): Instant | undefined {
    return this.#deleted.get(name);
  }

  /** Forgets what was seen of a bridge, before it is deleted. */
  forget(name: string): void {
    this.#parts.delete(name);
    this.#deleted.delete(name);
  }

  close(): void {
    this.#failed = undefined;
    this.#process.removeAllListeners('exit');
    this.#process.kill();
  }

  #isComplete(name: string): boolean {
    return this.#parts.get(name)?.size === 3;
  }

  #read(text: string): void {
    const [, time = '', deleted, name = '', kind = '', rest = ''] = line.exec(text) ?? [];
    if (name === '') return;
    const at = Date.parse(`${time.slice(0, 23)}Z`) + Number(time.slice(23) || 0) / 1000;
    const part: Part = kind === ':' ? 'up' : kind.trim() === 'inet' ? 'inet' : 'inet6';
    if (deleted) {
      if (part === 'up') this.#deleted.set(name, at);
      this.#parts.get(name)?.delete(part);
      return;
    }
    if (part === 'inet6' && rest.startsWith('fe80:')) return;
    let parts = this.#parts.get(name);
    if (!parts) this.#parts.set(name, (parts = new Map()));
    if (part === 'up' && !/[<,]UP[,>]/.test(rest)) {
      parts.delete('up');
      return;
    }
    if (parts.has(part)) return;
    parts.set(part, at);
    if (parts.size === 3) this.#completed(name, at);
  }

  #completed(name: string, at: Instant): void {
    for (const waiter of this.#waiters) {
      if (!waiter.names.delete(name)) continue;
      waiter.last = Math.max(waiter.last, at);
      if (waiter.names.size > 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(waiter.last);
    }
  }
}
