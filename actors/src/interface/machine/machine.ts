import { assign, setup } from 'xstate';
import type { EventType, InterfaceEvent, Key } from '@ifactor/crds';
import { initialContext } from './context.ts';
import type { Context } from './context.ts';
import { evolve } from './evolve.ts';
import { respond } from './learn.ts';
import { findings } from './verdict.ts';
import type { Finding } from './verdict.ts';

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
  LoopFound: 1,
  LoopOpened: 1,
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
  StrayLeft: 1,
  TimerElapsed: 1,
  AgentStarted: 1,
  JournalWentBack: 1,
  DesiredRefused: 1,
  ResyncRequested: 1,
  Paused: 1,
  Resumed: 1,
} satisfies Record<EventType, 1>);

/** XState merges the assigned fields into the context: fields that the actor no longer has must be set to undefined by name. */
const whole = (before: Context, after: Context): Partial<Context> => ({
  ...Object.fromEntries(Object.keys(before).flatMap((name) => (name in after ? [] : [[name, undefined]]))),
  ...after,
});

const guards = Object.fromEntries(
  Object.keys(findings).map((finding) => [
    finding,
    ({ context }: { context: Context }) => context.verdict.finding === finding,
  ]),
) as Record<Finding, (args: { context: Context }) => boolean>;

const lifecycle = setup({
  // XState reads only the type of this value.
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion
  types: {} as { context: Context; events: InterfaceEvent; input: { key: Key } },
  actions: {
    /** Applies the event to the context. */
    learn: assign(({ context, event }) => whole(context, evolve(context, event))),
    /** Concludes from all that is known, and asks the runner for lookups, operations and timers. */
    respond: assign(({ context, event }) => whole(context, respond(context, event))),
  },
  guards,
});

const refused = [
  { guard: 'specRefused', target: '#failed' },
  { guard: 'operationRefused', target: '#failed' },
  { guard: 'nothingToRollBackTo', target: '#failed' },
] as const;

/** A dependency disappeared. */
const needLost = [
  { guard: 'secretMissing', target: '#pending' },
  { guard: 'placeLost', target: '#pending' },
  { guard: 'nameTaken', target: '#pending' },
  { guard: 'deviceMissing', target: '#pending' },
  { guard: 'changesWithheld', target: '#pending' },
] as const;

/** Another object of the name is declared, or the same one after all. */
const declaredAgain = [
  { guard: 'lookupsAsked', target: '#pending' },
  { guard: 'secretMissing', target: '#pending' },
  { guard: 'placeLost', target: '#pending' },
  { guard: 'specRefused', target: '#failed' },
  { guard: 'changesWithheld', target: '#pending' },
] as const;

const done = [
  { guard: 'operationsDone', target: '#configured' },
  { guard: 'operationsDoneInNetns', target: '#moved-to-netns' },
] as const;

/**
 * The life of an interface, the same for every kind: pure, with neither clock nor I/O. Every event is learned from and responded to in
 * every state, and what was found is the guard of the arrow that is taken then.
 */
export const machine = lifecycle.createMachine({
  id: 'interface',
  context: ({ input }) => initialContext(input.key),
  initial: 'alive',
  on: Object.fromEntries(eventTypes.map((type) => [type, { actions: ['learn', 'respond'] }])) as unknown as Record<
    EventType,
    { actions: ['learn', 'respond'] }
  >,
  states: {
    alive: {
      initial: 'pending',
      always: [
        { guard: 'deletionAsked', target: '#deleting' },
        { guard: 'linksGone', target: '#deleted' },
      ],
      states: {
        pending: {
          id: 'pending',
          description: 'waits for something it needs',
          always: [{ guard: 'needsMet', target: 'creating' }, ...done, ...refused],
        },
        creating: {
          id: 'creating',
          description: 'is being made in the kernel',
          always: [...done, ...needLost, ...refused],
        },
        healthy: {
          initial: 'configured',
          always: [
            { guard: 'kernelDiffers', target: 'drifted' },
            { guard: 'needsMet', target: 'creating' },
            { guard: 'lookedUpAgain', target: 'creating' },
            ...needLost,
            ...refused,
          ],
          states: {
            configured: { id: 'configured', description: 'is as declared, in the home netns' },
            'moved-to-netns': { id: 'moved-to-netns', description: 'is as declared, in its container' },
          },
        },
        drifted: {
          id: 'drifted',
          description: 'differs from what is declared and is being repaired',
          always: [
            ...done,
            { guard: 'needsMet', target: 'creating' },
            { guard: 'lookedUpAgain', target: 'creating' },
            ...needLost,
            ...refused,
          ],
        },
        failed: {
          id: 'failed',
          description: 'cannot proceed until the spec changes, or waits before it retries',
          always: [
            { guard: 'retryDue', target: 'creating' },
            { guard: 'kernelDiffers', target: 'drifted' },
            ...done,
            ...needLost,
          ],
        },
      },
    },
    ending: {
      initial: 'deleting',
      states: {
        deleting: {
          id: 'deleting',
          description: 'is being removed',
          always: [
            { guard: 'linksGone', target: 'deleted' },
            ...declaredAgain,
            { guard: 'nameTaken', target: '#pending' },
            { guard: 'nothingToRollBackTo', target: '#failed' },
          ],
        },
        deleted: {
          id: 'deleted',
          description: 'is gone',
          always: [{ guard: 'deletionAsked', target: 'deleting' }, ...declaredAgain],
        },
      },
    },
  },
});
