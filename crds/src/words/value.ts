import type { Address } from '../message/observed.ts';
import type { Slot } from '../message/event.ts';

const slots: { readonly [S in Slot]: string } = {
  home: "the node's netns",
  target: "the interface's netns",
  peer: "the peer's netns",
};

/** The netns of a slot; null: no slot uses it. */
export const slotWords = (slot: Slot | null): string => (slot === null ? 'another netns' : slots[slot]);

/** As `ip` and the status print it: `LOCAL/LEN` or `LOCAL -> PEER/LEN`. */
export const printAddress = (a: Address): string =>
  `${a.local}${a.peer === null ? '' : ` -> ${a.peer}`}/${a.prefixlen}${a.noPrefixRoute ? ' noprefixroute' : ''}`;

/** A value in few characters: text as it is, all else as JSON. */
export function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none');
  return text.length > 160 ? `${text.slice(0, 157)}…` : text;
}

/** A value of a field: `none` where it has no value, a list with spaces between. */
export const fieldText = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(valueText).join(' ') || 'none'
    : value === null || value === undefined
      ? 'none'
      : valueText(value);

/** The most objects of a loop that are named. */
const mostNamed = 8;

/** Objects that depend on each other in a circle: the last is the first again. */
export function loopText(through: readonly string[]): string {
  const rest = through.length - 1 - mostNamed;
  const named = rest > 0 ? [...through.slice(0, mostNamed), `${rest} more`, ...through.slice(-1)] : through;
  return named.join(' → ');
}

/** A link with the mark of an object where none belongs, which cannot be removed. */
export const strayText = ({ netns, name, message }: { netns: string; name: string; message: string }): string =>
  `link ${name} in netns ${netns} has the mark of this object and does not belong there; ${message}; left as it is: delete it by hand, or clear its alias`;

export const peerText = (publicKey: string): string => `peer ${publicKey.slice(0, 8)}…`;
