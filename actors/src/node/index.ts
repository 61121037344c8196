export { createNetnsResolver } from '../containers/index.ts';
export { Signal } from './runner/signal.ts';
export { systemRuntime } from '../runtime.ts';
export type { Runtime } from '../runtime.ts';
export { Runner } from './runner/runner.ts';
export type { RunnerOptions } from './runner/runner.ts';
export { interfaceKeyOf, newFacts } from './desired/facts.ts';
export { ownStoreOf } from './session/ownStore.ts';
export { Shipper } from './shipping/shipper.ts';
