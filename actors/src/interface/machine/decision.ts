import type { KernelOperation, Operation } from '@ifactor/crds';
import type { Because } from './verdict.ts';

/** What follows from what is known. `because` null: an answer is awaited, and nothing is new meanwhile. */
export type Decision = { because: Because | null; operations: Operation[]; perform?: KernelOperation[] };

export const decided = (because: Because | null, operations: Operation[] = []): Decision => ({ because, operations });
