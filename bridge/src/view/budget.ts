import type { Clock, Log } from '@ifactor/common';

/** Burst that one node may send, and the rate at which its budget refills per second; in messages and bytes. */
export type BudgetLimits = { burst: Amount; perSecond: Amount };
type Amount = { messages: number; bytes: number };

/** Enough for a node with 20 000 interfaces that starts, or for one with 500 whose every interface changes each second. */
export const nodeBudget: BudgetLimits = {
  burst: { messages: 50_000, bytes: 128 * 2 ** 20 },
  perSecond: { messages: 500, bytes: 4 * 2 ** 20 },
};

/**
 * Rate limit per node, so that one node that sends too much does not delay the others: messages over its budget wait until the
 * budget has refilled, only the last one of each key. Nothing is lost; the log names the node.
 */
export type Budgets = {
  /** Runs the action at once, or when the node's budget allows it. */
  spend(node: string, sizeBytes: number, key: string, act: () => void): void;
  /** How many keys are waiting. */
  readonly waiting: number;
  /** Number of nodes with an account. */
  readonly nodes: number;
};

type Account = Amount & {
  /** Monotonic time up to which the budget was refilled. */
  at: number;
  warnedAt: number;
  waiting: Map<string, { sizeBytes: number; act: () => void }>;
};

/** Interval between two checks of the waiting keys. */
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
    // A message larger than the remaining budget may pass: later messages wait until the budget recovers.
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
      // The budget is full again: a new account is equal, so this one is dropped.
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
      // In order: none overtakes those that wait, and a newer message of a key replaces the waiting one.
      if (account.waiting.size > 0 || !take(account, sizeBytes)) wait(node, account, key, { sizeBytes, act });
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
