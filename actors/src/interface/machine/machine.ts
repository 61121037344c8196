import { assign, setup } from 'xstate';
import type { EventType, InterfaceEvent, Key, State } from '@ifactor/crds';
import { states } from '@ifactor/crds';
import { initialContext } from './context.ts';
import type { Context } from './context.ts';
import { learn } from './learn.ts';

/**
 * Which states may follow which. The law of the lifecycle: `decide` names the state, and a change that is not listed here
 * does not happen.
 */
export const successors: { readonly [S in State]: readonly State[] } = {
  pending: ['creating', 'configured', 'moved-to-netns', 'failed', 'deleting', 'deleted'],
  creating: ['configured', 'moved-to-netns', 'pending', 'failed', 'deleting', 'deleted'],
  configured: ['drifted', 'creating', 'moved-to-netns', 'pending', 'failed', 'deleting', 'deleted'],
  'moved-to-netns': ['drifted', 'creating', 'configured', 'pending', 'failed', 'deleting', 'deleted'],
  drifted: ['configured', 'moved-to-netns', 'creating', 'pending', 'failed', 'deleting', 'deleted'],
  failed: ['pending', 'creating', 'configured', 'moved-to-netns', 'drifted', 'deleting', 'deleted'],
  deleting: ['deleted', 'failed', 'pending', 'creating'],
  deleted: ['pending', 'creating', 'configured', 'moved-to-netns', 'deleting', 'failed'],
};

/** Every event is learned from in every state. */
const eventTypes = Object.keys({
  SpecChanged: 1,
  ConfirmBegan: 1,
  SpecConfirmed: 1,
  SpecRolledBack: 1,
  DeletionRequested: 1,
  SecretResolved: 1,
  SecretMissing: 1,
  NetnsResolved: 1,
  NetnsLost: 1,
  NameTaken: 1,
  NameFreed: 1,
  LinkObserved: 1,
  DriftObserved: 1,
  LinkCreated: 1,
  LinkAdopted: 1,
  LinkChanged: 1,
  LinkMoved: 1,
  LinkRemoved: 1,
  AddressAdded: 1,
  AddressRemoved: 1,
  SlaveAttached: 1,
  SlaveReleased: 1,
  WireGuardChanged: 1,
  PeerChanged: 1,
  PeerRemoved: 1,
  EndpointUnresolved: 1,
  OperationFailed: 1,
  StepFailed: 1,
  TimerElapsed: 1,
  AgentStarted: 1,
  ResyncRequested: 1,
  Paused: 1,
  Resumed: 1,
} satisfies Record<EventType, 1>);

const guardOf = (state: State) => `decided ${state}` as const;

const guards = Object.fromEntries(
  states.map((state) => [guardOf(state), ({ context }: { context: Context }) => context.verdict.state === state]),
) as Record<ReturnType<typeof guardOf>, (args: { context: Context }) => boolean>;

const lifecycle = setup({
  // XState reads only the type of this value.
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion
  types: {} as { context: Context; events: InterfaceEvent; input: { key: Key } },
  actions: {
    learn: assign(({ context, event }) => learn(context, event)),
  },
  guards,
});

/** A state and the ways out of it, taken at once when the actor has decided so. */
const node = (state: State) => ({
  always: successors[state].map((target) => ({ guard: guardOf(target), target })),
});

/** The life of an interface, the same for every kind: pure, with neither clock nor I/O. */
export const machine = lifecycle.createMachine({
  id: 'interface',
  context: ({ input }) => initialContext(input.key),
  initial: 'pending',
  on: Object.fromEntries(eventTypes.map((type) => [type, { actions: 'learn' }])) as Record<
    EventType,
    { actions: 'learn' }
  >,
  states: {
    pending: node('pending'),
    creating: node('creating'),
    configured: node('configured'),
    'moved-to-netns': node('moved-to-netns'),
    drifted: node('drifted'),
    failed: node('failed'),
    deleting: node('deleting'),
    deleted: node('deleted'),
  },
});
