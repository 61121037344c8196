// What a replay needs, and nothing that touches a machine.
export { markOf } from './interface/diff/mark.ts';
export { privateKeyRef } from './interface/kind/index.ts';
export { conflictWords, waitingWords } from './interface/words/need.ts';
export { differenceOf, rulesIn } from './interface/machine/difference.ts';
export { describeVerdict, failureWords, lostWords, missingWords, verdictWords } from './interface/words/verdict.ts';
export { fold, foldLater, freeze, hashOf, initial, stateOf, step, thaw } from './interface/machine/fold.ts';
export type { Snapshot } from './interface/machine/fold.ts';
export { machine } from './interface/machine/machine.ts';
export { arrows, groupsOf, successors, valueOf } from './interface/machine/arrows.ts';
export type { Arrow } from './interface/machine/arrows.ts';
export type { Context } from './interface/machine/context.ts';
export type { Finding, Verdict } from './interface/machine/verdict.ts';
