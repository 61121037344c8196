import type { Reach, Slot } from './event.ts';
import type { KindAttributes, KindCreation, NetlinkType } from '../schema/kind/index.ts';
import type { Address } from './observed.ts';

/** A kind with its own attributes, under its own name: `{ kind: 'vlan', vlan: { … } }`. */
export type AttributedLink = {
  [K in keyof KindAttributes]: { kind: K } & { [A in K]: KindAttributes[A] };
}[keyof KindAttributes];

/** What to create, by kind. The far end of a pair is created with it, in slot `peer`. */
export type LinkKind = { kind: 'wireguard' } | { [K in NetlinkType]: { kind: K } & KindCreation[K] }[NetlinkType];

/** An idempotent action on the kernel: creating an existing link adopts it, removing a missing one succeeds. Plain data, no secrets. */
export type KernelOperation =
  | {
      type: 'CreateLink';
      slot: Slot;
      name: string;
      mark: string;
      mtu?: number;
      up?: boolean;
      /** MAC addresses of the link and of a veth's far end, kept from before it was recreated. Absent: the kernel chooses. */
      mac?: string;
      farMac?: string;
      link: LinkKind;
    }
  | { type: 'AdoptLink'; slot: Slot; name: string; index: number; mark: string }
  | {
      type: 'ChangeLink';
      slot: Slot;
      name: string;
      index?: number;
      /** `link`: attributes that the kernel can change on an existing link. */
      change: { up?: boolean; mtu?: number; name?: string; addrGenMode?: 'none'; link?: AttributedLink };
    }
  | { type: 'MoveLink'; from: Slot; slot: Slot; name: string }
  /** `anew`: it is recreated at once because of these fields, which cannot be changed on a link. */
  | { type: 'RemoveLink'; slot: Slot; name: string; index: number; mark: string; anew?: readonly string[] }
  | { type: 'RemoveStray'; netns: string; name: string; index: number; mark: string }
  | { type: 'AddAddress'; slot: Slot; name: string; address: Address }
  | { type: 'RemoveAddress'; slot: Slot; name: string; address: Address }
  | { type: 'AttachSlave'; slot: Slot; name: string; slave: string }
  | { type: 'ReleaseSlave'; slot: Slot; name: string; slave: string }
  | {
      type: 'SetWireGuard';
      slot: Slot;
      name: string;
      /** The public key of the private key to set; the key itself is looked up when the operation runs. */
      change: { privateKey?: string; listenPort?: number; fwmark?: number };
    }
  | {
      type: 'SetPeer';
      slot: Slot;
      name: string;
      publicKey: string;
      /** `presharedKey` is a fingerprint, null removes it; `endpoint` as in the spec. */
      change: {
        presharedKey?: string | null;
        endpoint?: string;
        persistentKeepalive?: number;
        allowedIPs?: readonly string[];
      };
    }
  | { type: 'RemovePeer'; slot: Slot; name: string; publicKey: string };

/** All commands of a machine to its runner. */
export type Operation =
  | { type: 'ResolveSecrets'; refs: readonly string[] }
  | { type: 'ResolveNetns'; slots: readonly Slot[] }
  | { type: 'Observe' }
  /** Checks what is reachable before a change. Answered by ConfirmBegan. */
  | { type: 'BeginConfirm'; generation: number; timeoutSeconds: number; probe: string | null }
  /**
   * Answered by SpecConfirmed or SpecRolledBack. `since`: when the change began (RFC 3339); `to`: the spec of a rollback; `resumed`: by an
   * agent that started during the trial of a change and has to connect to NATS first.
   */
  | {
      type: 'AwaitConfirm';
      generation: number;
      since: string;
      timeoutSeconds: number;
      watched: readonly Reach[];
      probe: string | null;
      to: number | null;
      resumed: boolean;
    }
  /** Run in order; stops at the first failure; ends with one LinkObserved or OperationFailed of the same `id`. */
  | { type: 'Perform'; id: string; operations: readonly KernelOperation[] }
  /** Answered by TimerElapsed; starting a timer of the same name again replaces it. */
  | { type: 'StartTimer'; timer: string; milliseconds: number }
  /** Cancels the timer. */
  | { type: 'StopTimer'; timer: string };
