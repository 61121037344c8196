import { differenceOf, rulesIn } from '@ifactor/actors';
import type { Context } from '@ifactor/actors';
import { enslaves, netlinkTypes, slavesOf } from '@ifactor/crds';
import type {
  Drift,
  InterfaceSpec,
  KindAttributes,
  NetlinkAddress,
  ObservedLink,
  ObservedPeer,
  WireGuardInterfaceSpec,
  WireGuardPeer,
} from '@ifactor/crds';
import { printAddress, valueText } from '@ifactor/crds/words';
import type { Field } from '../protocol.ts';

type Texts = { [field: string]: string | null };

/** Every field, desired and observed; the rules of the kind decide whether the two differ. */
export function fieldRowsOf(context: Context): Field[] {
  const { spec, observed } = context;
  if (spec === null) return [];
  const drift = driftOf(context);
  const drifting = Map.groupBy(drift, ({ field }) => field);
  const found = observed === null ? undefined : linkOf(spec, context);
  const desired: Texts = context.deletion === null ? wanted(spec, context) : {};
  const shown: Texts = found ? observedTexts(found, spec) : {};
  // Drift that belongs to no field of the spec, such as a link that was left in another netns.
  for (const [field, list] of drifting) {
    if (field in desired || field in shown) continue;
    desired[field] = text(list.map((one) => one.wanted));
    shown[field] = text(list.map((one) => one.found));
  }
  const names = [...new Set([...Object.keys(desired), ...Object.keys(shown)])];
  return names.map((name) => {
    const [want = null, now = null] = [desired[name], shown[name]];
    return {
      name: short(name),
      desired: want,
      observed: now,
      differs: drifting.has(name) || (want !== null && now === null && observed !== null),
    };
  });
}

/** Shortens a peer's key to its first characters, enough to distinguish it. */
const short = (field: string): string => field.replace(/\[(.{8})[^\]]+\]/, '[$1…]');

/** The same comparison that the actor uses. */
function driftOf(context: Context): readonly Drift[] {
  const rules = rulesIn(context);
  return (rules && differenceOf(context, rules)?.drift) ?? [];
}

/** The link in question: where it belongs, or on its way there. */
function linkOf(spec: InterfaceSpec, { observed }: Context): ObservedLink | null {
  const { target, home } = observed?.links ?? {};
  return ('moveToContainer' in spec && !spec.moveToContainer ? home : (target ?? home)) ?? null;
}

const text = (values: readonly unknown[]): string | null => {
  const there = values.filter((value) => value !== null && value !== undefined);
  return there.length === 0 ? null : there.map(valueText).join(', ');
};
const list = (values: readonly string[]): string => values.toSorted().join(', ') || 'none';
const yes = (value: boolean): string => (value ? 'yes' : 'no');

function wanted(spec: InterfaceSpec, context: Context): Texts {
  if (!('type' in spec)) return wantedWireGuard(spec, context);
  return {
    link: spec.interfaceName,
    kind: spec.type,
    up: yes(spec.up),
    ...(spec.mtu === undefined ? {} : { mtu: String(spec.mtu) }),
    addresses: list(spec.addresses.map(cidr)),
    ...special(rulesIn(context)?.attributes?.(spec)),
    ...slaves(spec.type, slavesOf(spec)),
  };
}

/** Attributes that only this kind has: `vxlan.vni`, `vlan.id`, … */
function special(attributes: Partial<KindAttributes> = {}): Texts {
  const entries = Object.entries(attributes).flatMap(([kind, fields]) =>
    Object.entries(fields).map(([field, value]): [string, string] => [`${kind}.${field}`, plain(value)]),
  );
  return Object.fromEntries(entries);
}

const plain = (value: unknown): string =>
  typeof value === 'boolean'
    ? yes(value)
    : value === null
      ? 'none'
      : Array.isArray(value)
        ? value.map(valueText).join(' to ')
        : valueText(value);

/** Of the kinds that have some. */
const slaves = (kind: string, names: readonly string[] = []): Texts =>
  enslaves(kind) ? { [`${kind}.slaves`]: list(names) } : {};

/** As `ip` prints it. */
const cidr = ({ ipcidr, peerCidr }: NetlinkAddress): string =>
  peerCidr === undefined ? ipcidr : `${ipcidr} -> ${peerCidr}`;

function wantedWireGuard(spec: WireGuardInterfaceSpec, { secrets, listenPort }: Context): Texts {
  const port = spec.listenPort || listenPort;
  const texts: Texts = {
    link: spec.interfaceName,
    kind: 'wireguard',
    up: yes(true),
    mtu: String(spec.mtu || 1420),
    addresses: list(
      spec.addresses.map(
        ({ local, peer, prefixlen, noPrefixRoute }) =>
          `${local}${peer === undefined ? '' : ` -> ${peer}`}/${prefixlen}${noPrefixRoute ? ' noprefixroute' : ''}`,
      ),
    ),
    publicKey: secrets['privateKey'] ?? null,
    ...(port ? { listenPort: String(port) } : {}),
    fwmark: spec.fwmark ? `0x${spec.fwmark.toString(16)}` : 'off',
  };
  for (const peer of spec.peers) Object.assign(texts, wantedPeer(peer, secrets[`psk:${peer.publicKey}`]));
  return texts;
}

function wantedPeer(
  { publicKey, endpoint, allowedIPs, persistentKeepalive, presharedKeySecretRef }: WireGuardPeer,
  fingerprint?: string,
): Texts {
  return {
    [`peers[${publicKey}].endpoint`]: endpoint ?? null,
    [`peers[${publicKey}].allowedIPs`]: list(allowedIPs),
    [`peers[${publicKey}].persistentKeepalive`]: persistentKeepalive ? `${persistentKeepalive} s` : 'off',
    [`peers[${publicKey}].presharedKey`]:
      presharedKeySecretRef === undefined ? 'none' : (fingerprint ?? 'not available yet'),
  };
}

function observedTexts(link: ObservedLink, spec: InterfaceSpec): Texts {
  const { wireguard } = link;
  const own = netlinkTypes.flatMap((kind) =>
    kind in link ? [[kind, (link as object as { [field: string]: unknown })[kind]]] : [],
  );
  const texts: Texts = {
    link: link.name,
    kind: link.kind,
    up: yes(link.up),
    mtu: String(link.mtu),
    addresses: list(link.addresses.map(printAddress)),
    ...special(Object.fromEntries(own)),
    ...('type' in spec ? slaves(spec.type, link.slaves) : {}),
    ...(wireguard
      ? {
          publicKey: wireguard.publicKey,
          listenPort: String(wireguard.listenPort),
          fwmark: wireguard.fwmark ? `0x${wireguard.fwmark.toString(16)}` : 'off',
        }
      : {}),
  };
  for (const peer of wireguard?.peers ?? []) Object.assign(texts, observedPeer(peer));
  return texts;
}

const observedPeer = ({ publicKey, endpoint, allowedIPs, persistentKeepalive, presharedKey }: ObservedPeer): Texts => ({
  [`peers[${publicKey}].endpoint`]: endpoint,
  [`peers[${publicKey}].allowedIPs`]: list(allowedIPs),
  [`peers[${publicKey}].persistentKeepalive`]: persistentKeepalive ? `${persistentKeepalive} s` : 'off',
  [`peers[${publicKey}].presharedKey`]: presharedKey ?? 'none',
});
