import type { StateValue } from 'xstate';
import { states } from '@ifactor/crds';
import type { State } from '@ifactor/crds';
import { machine } from './machine.ts';
import type { Finding } from './verdict.ts';

/** A transition from one state to another, and the guards of the statechart that lead there. */
export type Arrow = { from: State; to: State; guards: readonly Finding[] };

type Node = (typeof machine)['root'];

const isState = (text: string): text is State => states.some((state) => state === text);

const leaves = (node: Node): Node[] => {
  const children = Object.values(node.states);
  return children.length === 0 ? [node] : children.flatMap(leaves);
};

/** A state and the groups around it, from the inside. */
const around = (node: Node): Node[] => (node.parent === undefined ? [] : [node, ...around(node.parent)]);

const stateOfNode = ({ key }: Node): State => {
  if (!isState(key)) throw new TypeError(`the statechart has a state ${key} that status knows nothing of`);
  return key;
};

const paths = new Map(leaves(machine.root).map((node) => [stateOfNode(node), node.path] as const));

/** The groups that a state is in, from the outside: `['alive', 'healthy']`. */
export const groupsOf = (state: State): readonly string[] => paths.get(state)?.slice(0, -1) ?? [];

/** A state as XState spells it: `{ alive: { healthy: 'configured' } }`. */
export function valueOf(state: State): StateValue {
  return groupsOf(state).reduceRight<StateValue>((value, group) => ({ [group]: value }), state);
}

/** The state in what XState spells. */
export function leafOf(value: StateValue): State {
  let leaf: StateValue | undefined = value;
  while (typeof leaf === 'object') leaf = Object.values(leaf)[0];
  if (leaf === undefined || !isState(leaf)) throw new TypeError(`the statechart has no state ${JSON.stringify(value)}`);
  return leaf;
}

function arrowsFrom(leaf: Node): Arrow[] {
  const from = stateOfNode(leaf);
  const found = around(leaf).flatMap((node) => node.always ?? []);
  const ways = found.flatMap(({ target, guard }) =>
    (target ?? []).flatMap((to) => (to === leaf ? [] : [{ to: stateOfNode(to as Node), guard: guard as Finding }])),
  );
  return [...Map.groupBy(ways, ({ to }) => to)].map(([to, list]) => ({
    from,
    to,
    guards: list.map(({ guard }) => guard),
  }));
}

/** Every arrow of the statechart, those of groups at each state of the group. */
export const arrows: readonly Arrow[] = leaves(machine.root).flatMap(arrowsFrom);

/** Which states may follow each state. */
export const successors = Object.fromEntries(
  states.map((state) => [state, arrows.filter(({ from }) => from === state).map(({ to }) => to)]),
) as unknown as { readonly [S in State]: readonly State[] };

const ways = new Set(arrows.flatMap(({ from, to, guards }) => guards.map((guard) => `${from} ${guard} ${to}`)));

/** Whether the statechart has this transition. */
export const leads = (from: State, finding: Finding, to: State): boolean => ways.has(`${from} ${finding} ${to}`);
