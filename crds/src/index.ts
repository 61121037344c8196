export { DesiredSchema, MissingSecretSchema, SealedSecretSchema } from './message/desired.ts';
export type { Desired, MissingSecret, SealedSecret } from './message/desired.ts';
export { cloudEventHeaders, decodeEvent, encodeEvent, EnvelopeError } from './message/envelope.ts';
export type { Headers } from './message/envelope.ts';
export { machineVersion } from './message/event.ts';
export type {
  EventData,
  EventType,
  InterfaceEvent,
  InterfaceSpec,
  NetnsParams,
  Performed,
  Reach,
  RecordedEvent,
  SecretParams,
  Slot,
} from './message/event.ts';
export type { Address, Drift, Observed, ObservedLink, ObservedPeer, ObservedWireGuard } from './message/observed.ts';
export type { AttributedLink, KernelOperation, LinkKind, Operation } from './message/operation.ts';
export { inboxPrefixOf, permissionsOf, spellPermissions } from './message/permission.ts';
export type { NatsNames, Permissions, Role } from './message/permission.ts';
export { answeredHeaders, BridgeAnswerSchema, questions, QuestionSchema } from './message/question.ts';
export type { BridgeAnswer, Asked, Question } from './message/question.ts';
export {
  desiredStatement,
  formatKeyChanges,
  keyChangesHeader,
  keyChangeStatement,
  parseKeyChanges,
  signatureHeaders,
} from './message/signature.ts';
export type { KeyChange } from './message/signature.ts';
export {
  ConditionSchema,
  heartbeatSeconds,
  InterfaceStatusSchema,
  NodeEntrySchema,
  statusLimits,
  states,
  StatusMessageSchema,
} from './message/status.ts';
export type { Condition, InterfaceStatus, NodeEntry, State, StatusMessage } from './message/status.ts';
export {
  ConfirmSchema,
  ContainerSelectorSchema,
  InterfaceAddressSchema,
  PortRangeSchema,
  SecretRefSchema,
  isNetnsName,
} from './schema/common.ts';
export type { ContainerSelector, InterfaceAddress, PortRange, SecretRef } from './schema/common.ts';
export { API_VERSION, FINALIZER, GROUP, kinds, LEGACY_FINALIZERS, VERSION } from './schema/kinds.ts';
export type { InterfaceKindName, InterfaceToken, KindMeta, KindName } from './schema/kinds.ts';
export { isNetlinkType, netlinkKinds, netlinkTypes } from './schema/kind/index.ts';
export type { KindAttributes, NetlinkType, Section } from './schema/kind/index.ts';
export { vethEnds } from './schema/kind/veth.ts';
export type { VethEnd } from './schema/kind/veth.ts';
export { NetlinkAddressSchema } from './schema/netlinkAddress.ts';
export type { NetlinkAddress } from './schema/netlinkAddress.ts';
export { deviceBelow, enslaves, isPaired, NetlinkInterfaceSpecSchema, slavesOf } from './schema/netlinkInterface.ts';
export type { NetlinkInterfaceSpec } from './schema/netlinkInterface.ts';
export { PlanStatusSchema } from './schema/planStatus.ts';
export type { PlanAllocation, PlanInterfaceStatus, PlanStatus } from './schema/planStatus.ts';
export { isInterfaceName } from './schema/text.ts';
export { linkEnds, WireGuardNetworkPlanSpecSchema } from './schema/wireGuardNetworkPlan.ts';
export type { PlanLink, PlanLinkEnd, PlanNode, WireGuardNetworkPlanSpec } from './schema/wireGuardNetworkPlan.ts';
export { WireGuardInterfaceSpecSchema, WireGuardPeerSchema } from './schema/wireguardInterface.ts';
export type { WireGuardInterfaceSpec, WireGuardPeer } from './schema/wireguardInterface.ts';
export {
  agentSubject,
  consumerOf,
  desiredFilter,
  eventFilter,
  formatDesiredSubject,
  formatEventSubject,
  formatStatusSubject,
  parseDesiredSubject,
  parseEventSubject,
  parseQuestionSubject,
  parseStatusSubject,
  questionFilter,
  questionSubject,
  statusFilter,
  SubjectError,
} from './message/subject.ts';
export type { EventPlace, Key, Place } from './message/subject.ts';
export { upcast } from './message/upcast.ts';
