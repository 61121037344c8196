import type { KernelOperation, ObservedLink, Operation, Slot } from '@ifactor/crds';
import { timers } from './context.ts';
import type { Context } from './context.ts';

/**
 * Addresses that another host has: the kernel looks once and never again, so that they are added again from time to time.
 * `at`: when that is due; null: they were added, and the check has not ended yet.
 */
export type Recheck = { times: number; at: string | null; due: boolean };

const firstMs = 5000;
const longestMs = 300_000;

type Found = { slot: Slot; link: ObservedLink; local: string };

/** Addresses of the actor's links that another host has. */
export const duplicatesIn = ({ observed }: Pick<Context, 'observed'>): Found[] =>
  Object.entries(observed?.links ?? {}).flatMap(([slot, link]) =>
    (link?.duplicate ?? []).map((local) => ({ slot: slot as Slot, link: link!, local })),
  );

/** After a look at the kernel: what is known of duplicates, and the timer that this asks for. `tentative`: a check goes on. */
export function recheckedAddresses(
  context: Context,
  time: string,
  tentative: boolean,
): { context: Context; operations: Operation[] } {
  const timer = timers.duplicates;
  const { recheck, ...rest } = context;
  if (duplicatesIn(context).length === 0) {
    if (recheck === undefined || tentative) return { context, operations: [] };
    return { context: rest, operations: recheck.at === null ? [] : [{ type: 'StopTimer', timer }] };
  }
  if (recheck && recheck.at !== null) return { context, operations: [] };
  const times = recheck ? recheck.times + 1 : 0;
  const milliseconds = Math.min(firstMs * 2 ** times, longestMs);
  const at = new Date(Date.parse(time) + milliseconds).toISOString();
  const next: Context = { ...context, recheck: { times, at, due: false } };
  return { context: next, operations: [{ type: 'StartTimer', timer, milliseconds }] };
}

/** The wait before the next check is over. */
export const recheckElapsed = (context: Context): Context =>
  context.recheck ? { ...context, recheck: { ...context.recheck, due: true } } : context;

/** Removes and adds what another host had, so that the kernel asks for it again; empty: nothing is due. */
export function recheckOperations(context: Context): KernelOperation[] {
  if (!context.recheck?.due) return [];
  return duplicatesIn(context).flatMap(({ slot, link: { name, addresses }, local }) =>
    addresses
      .filter((address) => address.local === local)
      .flatMap((address): KernelOperation[] => [
        { type: 'RemoveAddress', slot, name, address },
        { type: 'AddAddress', slot, name, address },
      ]),
  );
}
