export { readJournal } from './agent/journalRead.ts';
export type { JournalRead } from './agent/journalRead.ts';
export { markOf, printAddress } from './driver/index.ts';
export { moduleOf } from './netlink/kinds.ts';
export { differenceOf, driverIn } from './machine/decide.ts';
export { fold, freeze, hashOf, initial, stateOf, thaw } from './machine/fold.ts';
export type { Snapshot } from './machine/fold.ts';
export { machine, successors } from './machine/machine.ts';
export type { Context, Verdict } from './machine/context.ts';
