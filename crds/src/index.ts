export { run, stopSignal, UsageError } from './cli.ts';
export { DesiredSchema, MissingSecretSchema, SealedSecretSchema } from './desired.ts';
export type { Desired, MissingSecret, SealedSecret } from './desired.ts';
export { decodeEvent, encodeEvent, EnvelopeError } from './envelope.ts';
export type { Headers } from './envelope.ts';
export { machineVersion } from './event.ts';
export type { EventData, EventType, InterfaceEvent, InterfaceSpec, Performed, Reach, RecordedEvent, Slot } from './event.ts';
export { createLog, explain } from './log.ts';
export type { Level, Log } from './log.ts';
export type {
  Address,
  Drift,
  KindAttributes,
  Observed,
  ObservedGre,
  ObservedIpip,
  ObservedLink,
  ObservedMacvlan,
  ObservedPeer,
  ObservedVlan,
  ObservedVrf,
  ObservedVxlan,
  ObservedWireGuard,
} from './observed.ts';
export type { AttributedLink, KernelOperation, LinkKind, Operation } from './operation.ts';
export { ConditionSchema, heartbeatSeconds, InterfaceStatusSchema, NodeEntrySchema, states, StatusMessageSchema } from './status.ts';
export type { Condition, InterfaceStatus, NodeEntry, State, StatusMessage } from './status.ts';
export {
  ConfirmSchema,
  ContainerSelectorSchema,
  InterfaceAddressSchema,
  PortRangeSchema,
  SecretRefSchema,
} from './schema/common.ts';
export type { ConfirmSpec, ContainerSelector, InterfaceAddress, PortRange, SecretRef } from './schema/common.ts';
export { API_VERSION, FINALIZER, GROUP, kinds, LEGACY_FINALIZERS, VERSION } from './schema/kinds.ts';
export type { InterfaceKindName, InterfaceToken, KindMeta, KindName } from './schema/kinds.ts';
export { NetlinkAddressSchema, NetlinkInterfaceSpecSchema, netlinkTypes, vethEnds } from './schema/netlinkInterface.ts';
export type { NetlinkAddress, NetlinkInterfaceSpec, NetlinkType, VethEnd, VethEndSpec } from './schema/netlinkInterface.ts';
export { PlanStatusSchema } from './schema/planStatus.ts';
export type { PlanAllocation, PlanInterfaceStatus, PlanStatus } from './schema/planStatus.ts';
export { isInterfaceName } from './schema/text.ts';
export type { GreSpec } from './schema/gre.ts';
export type { IpipSpec } from './schema/ipip.ts';
export { macvlanModes } from './schema/macvlan.ts';
export type { MacvlanSpec } from './schema/macvlan.ts';
export { vlanProtocols } from './schema/vlan.ts';
export type { VlanSpec } from './schema/vlan.ts';
export type { VrfSpec } from './schema/vrf.ts';
export { VXLAN_PORT, VxlanSchema } from './schema/vxlan.ts';
export type { VxlanSpec } from './schema/vxlan.ts';
export { linkEnds, WireGuardNetworkPlanSpecSchema } from './schema/wireGuardNetworkPlan.ts';
export type { PlanLink, PlanLinkEnd, PlanNode, WireGuardNetworkPlanSpec } from './schema/wireGuardNetworkPlan.ts';
export { WireGuardInterfaceSpecSchema, WireGuardPeerSchema } from './schema/wireguardInterface.ts';
export type { WireGuardInterfaceSpec, WireGuardPeer } from './schema/wireguardInterface.ts';
export {
  desiredFilter,
  eventFilter,
  formatDesiredSubject,
  formatEventSubject,
  formatStatusSubject,
  parseDesiredSubject,
  parseEventSubject,
  parseStatusSubject,
  statusFilter,
  SubjectError,
} from './subject.ts';
export type { EventPlace, Key, Place } from './subject.ts';
export { upcast } from './upcast.ts';
