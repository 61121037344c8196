import type { Operation } from '@ifactor/crds';
import { timers } from './context.ts';
import type { Context } from './context.ts';
import { duplicatesIn } from './recheck.ts';

/** The kernel checks addresses of a link for duplicates. `over`: that has been waited for long enough. */
export type AddressCheck = 'awaited' | 'over';

/** How long an address check may delay readiness, in milliseconds. By default the kernel needs at most two seconds. */
export const addressCheckMs = 3000;

export const tentativeIn = ({ observed }: Pick<Context, 'observed'>): readonly string[] =>
  Object.values(observed?.links ?? {}).flatMap((link) => link?.tentative ?? []);

/** After a look at the kernel: a check begins, goes on, or has ended; and the timer that this asks for. */
export function checkedAddresses(context: Context): { context: Context; operations: Operation[] } {
  const checking = tentativeIn(context).length > 0;
  if (checking === (context.addressCheck !== undefined)) return { context, operations: [] };
  const timer = timers.addresses;
  if (checking)
    return {
      context: { ...context, addressCheck: 'awaited' },
      operations: [{ type: 'StartTimer', timer, milliseconds: addressCheckMs }],
    };
  const { addressCheck, ...rest } = context;
  return { context: rest, operations: addressCheck === 'over' ? [] : [{ type: 'StopTimer', timer }] };
}

/** What keeps an interface that is as declared from being used; null: nothing. */
export function unusableAddresses(
  context: Context,
): { reason: 'AddressDuplicate' | 'AddressTentative'; params: { addresses: readonly string[] } } | null {
  const duplicate = duplicatesIn(context).map(({ local }) => local);
  const tentative = tentativeIn(context);
  // Those that are checked again are another host's for as long as the kernel has not found the contrary.
  const doubted = context.recheck?.at === null ? [...duplicate, ...tentative] : duplicate;
  if (doubted.length > 0) return { reason: 'AddressDuplicate', params: { addresses: doubted } };
  if (tentative.length === 0 || context.addressCheck === 'over') return null;
  return { reason: 'AddressTentative', params: { addresses: tentative } };
}
