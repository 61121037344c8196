/** Sentences for what happens to an interface: one place for logs, `kubectl describe`, conditions and the inspector. Pure; loads nothing. */
export { driftWords, eventWords, isOutcome } from './event.ts';
export { lostNetnsWords } from './netns.ts';
export { operationWords } from './operation.ts';
export { refusedDesiredWords } from './refusal.ts';
export { missingSecretWords, secretParams, secretText } from './secret.ts';
export { fieldText, loopText, printAddress, strayText, valueText } from './value.ts';
