// What a replay needs, and nothing that touches a machine.
export { printAddress } from './interface/diff/address.ts';
export { markOf } from './interface/diff/mark.ts';
export { conflictWords, waitingWords } from './interface/words/need.ts';
export { differenceOf, driverIn } from './interface/machine/decide.ts';
export { fold, freeze, hashOf, initial, stateOf, step, thaw } from './interface/machine/fold.ts';
export type { Snapshot } from './interface/machine/fold.ts';
export { machine, successors } from './interface/machine/machine.ts';
export type { Context, Verdict } from './interface/machine/context.ts';
