export { run, stopSignal, UsageError } from './cli.ts';
export { DesiredSchema, MissingSecretSchema, SealedSecretSchema } from './desired.ts';
export type { Desired, MissingSecret, SealedSecret } from './desired.ts';
export { decodeEvent, encodeEvent, EnvelopeError } from './envelope.ts';
export type { Headers } from './envelope.ts';
export { machineVersion } from './event.ts';
export type { EventData, EventType, InterfaceEvent, InterfaceSpec, Performed, RecordedEvent, Slot } from './event.ts';
export { createLog, explain } from './log.ts';
export type { Level, Log } from './log.ts';
export type {
  Address,
  Drift,
  Observed,
  ObservedLink,
  ObservedPeer,
  ObservedVxlan,
  ObservedWireGuard,
} from './observed.ts';
export type { KernelOperation, LinkKind, Operation } from './operation.ts';
export { ConditionSchema, heartbeatSeconds, InterfaceStatusSchema, NodeEntrySchema, states, StatusMessageSchema } from './status.ts';
export type { Condition, InterfaceStatus, NodeEntry, State, StatusMessage } from './status.ts';
