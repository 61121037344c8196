export { createPlaces } from '../containers/index.ts';
export { Runner } from './runner/runner.ts';
export type { RunnerOptions } from './runner/runner.ts';
export { connectivityOf } from './session/connection.ts';
export { keyOf, newFacts } from './session/facts.ts';
export { Shipper } from './shipping/shipper.ts';
