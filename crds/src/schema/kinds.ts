/** The API group and version of every resource of ifactor. */
export const GROUP = 'networking.dn42.io';
export const VERSION = 'v1alpha1';
/** `group/version`, as it stands in a manifest's `apiVersion`. */
export const API_VERSION = `${GROUP}/${VERSION}` as const;

/**
 * Names of each kind in Kubernetes and in the subject grammar.
 * `token` is the kind in a NATS subject and in a link's ifalias mark: the singular.
 */
export const kinds = {
  WireGuardNetworkPlan: {
    kind: 'WireGuardNetworkPlan',
    plural: 'wireguardnetworkplans',
    singular: 'wireguardnetworkplan',
    shortNames: ['wgplan', 'wgp'],
    group: GROUP,
    version: VERSION,
    token: 'wireguardnetworkplan',
  },
  WireGuardInterface: {
    kind: 'WireGuardInterface',
    plural: 'wireguardinterfaces',
    singular: 'wireguardinterface',
    shortNames: ['wgi', 'wgif'],
    group: GROUP,
    version: VERSION,
    token: 'wireguardinterface',
  },
  NetlinkInterface: {
    kind: 'NetlinkInterface',
    plural: 'netlinkinterfaces',
    singular: 'netlinkinterface',
    shortNames: ['nl', 'nli', 'nlif'],
    group: GROUP,
    version: VERSION,
    token: 'netlinkinterface',
  },
} as const;

export type KindName = keyof typeof kinds;
export type KindMeta = (typeof kinds)[KindName];
/** The kinds that an agent applies; a plan is only expanded to WireGuardInterfaces. */
export type InterfaceKindName = Exclude<KindName, 'WireGuardNetworkPlan'>;
/** An interface kind as it is written in subjects and ifalias marks. */
export type InterfaceToken = (typeof kinds)[InterfaceKindName]['token'];

/** Finalizers that are removed once the kernel object is gone: ours first, then the old system's. All others are left unchanged. */
export const FINALIZER = `${GROUP}/ifactor` as const;
export const LEGACY_FINALIZERS = [
  `wireguardnetworkplans.${GROUP}/finalizer`,
  `wireguardinterface.${GROUP}/finalizer`,
  `netlinkinterface.${GROUP}/finalizer`,
  `networkplan.${GROUP}/finalizer`,
] as const;
