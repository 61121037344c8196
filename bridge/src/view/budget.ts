import type { Clock, Log } from '@ifactor/common';

/** What one node may say at once, and what it may go on saying each second; in messages and bytes. */
export type BudgetLimits = { burst: Amount; perSecond: Amount };
type Amount = { messages: number; bytes: number };

/** Enough for a node with 20 000 interfaces that starts, or for one with 500 whose every interface changes each second. */
export const nodeBudget: BudgetLimits = {
  burst: { messages: 50_000, bytes: 128 * 2 ** 20 },
  perSecond: { messages: 500, bytes: 4 * 2 ** 20 },
};

/**
 * Keeps a node that says too much from keeping the bridge from the others: what is over its budget waits until the budget has filled
 * again, of each key the last. Nothing is lost; the log names the node.
 */
export type Budgets = {
  /** Acts at once, or when the node's budget allows it. */
  spend(node: string, sizeBytes: number, key: string, act: () => void): void;
  /** How many keys wait. */
  readonly waiting: number;
  /** Nodes that are remembered. */
  readonly nodes: number;
};

type Account = Amount & {
  /** Monotonic time that it was filled up to. */
  at: number;
  warnedAt: number;
  waiting: Map<string, { sizeBytes: number; act: () => void }>;
};

/** Between two looks at those that wait. */
const lookMs = 1000;
const warnEveryMs = 60_000;

export function createBudgets({ burst, perSecond }: BudgetLimits, log: Log, clock: Clock): Budgets {
  const accounts = new Map<string, Account>();
  let looking: (() => void) | undefined;

  function refill(account: Account): void {
    const now = clock.monotonic();
    const seconds = (now - account.at) / 1000;
    account.at = now;
    account.messages = Math.min(burst.messages, account.messages + seconds * perSecond.messages);
    account.bytes = Math.min(burst.bytes, account.bytes + seconds * perSecond.bytes);
  }

  function take(account: Account, sizeBytes: number): boolean {
    // A message larger than what is left may go: it is paid for by those after it.
    if (account.messages < 1 || account.bytes <= 0) return false;
    account.messages -= 1;
    account.bytes -= sizeBytes;
    return true;
  }

  function look(): void {
    looking = undefined;
    for (const [node, account] of accounts) {
      refill(account);
      for (const [key, { sizeBytes, act }] of account.waiting) {
        if (!take(account, sizeBytes)) break;
        account.waiting.delete(key);
        act();
      }
      // It owes nothing: a new account says the same.
      if (account.messages >= burst.messages && account.bytes >= burst.bytes) accounts.delete(node);
    }
    if (accounts.size > 0) looking = clock.after(lookMs, look, false);
  }

  function wait(node: string, account: Account, key: string, message: { sizeBytes: number; act: () => void }): void {
    account.waiting.set(key, message);
    const now = clock.monotonic();
    if (now - account.warnedAt < warnEveryMs) return;
    account.warnedAt = now;
    log.warn('node says more than its budget; its statuses are delayed, other nodes are not', {
      node,
      waiting: account.waiting.size,
      messagesPerSecond: perSecond.messages,
      bytesPerSecond: perSecond.bytes,
    });
  }

  return {
    spend(node, sizeBytes, key, act) {
      let account = accounts.get(node);
      if (account === undefined) {
        account = { ...burst, at: clock.monotonic(), warnedAt: -Infinity, waiting: new Map() };
        accounts.set(node, account);
      }
      refill(account);
      // In order: what waits of the same key is replaced, and nothing overtakes it.
      if (account.waiting.has(key) || account.waiting.size > 0 || !take(account, sizeBytes))
        wait(node, account, key, { sizeBytes, act });
      else act();
      looking ??= clock.after(lookMs, look, false);
    },
    get waiting() {
      return [...accounts.values()].reduce((sum, { waiting }) => sum + waiting.size, 0);
    },
    get nodes() {
      return accounts.size;
    },
  };
}
