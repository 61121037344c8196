import type { NetnsParams } from '@ifactor/crds';
import type { Netns } from '../kernel/kernel.ts';

export type LostReason =
  /** No container of that name was seen yet. */
  | 'ContainerNotFound'
  /** The container was there, and has stopped or was removed. */
  | 'ContainerGone'
  | 'ContainerNotRunning'
  | 'EngineUnreachable'
  | 'NetnsNotFound'
  /** The path is a plain file. */
  | 'NotANetns'
  | 'ProcessNotFound'
  /** Another process than the one selected has its number now. */
  | 'ProcessReplaced'
  /** The engine named a process that is in no control group of the container. */
  | 'ProcessNotInContainer'
  | 'Forbidden'
  /** It leads to the network namespace of the agent or of the machine, which is not the home netns. */
  | 'HostNetns'
  | 'TooManyLinks'
  /** The selector names nothing. */
  | 'NothingSelected';

/** Why a selector leads to no netns now, and what the reason is about. */
export type LostNetns = { reason: LostReason; params: Omit<NetnsParams, 'selector'> };

/** Where a selector leads. The netns is open until the next place is told, or until the follower stops. */
export type NetnsPlace = { netns: Netns } | { lost: LostNetns };

/** What a source knows of a netns before it is opened: a path that leads there, and its nsfs inode in decimal. */
export type Where = { path: string; id: string } | { lost: LostNetns };

/** Something that watches where one target leads. It tells only from timers and events, never within the call that starts it. */
export type Source = {
  /** Looks again and reports, even if nothing changed. */
  again(): void;
  stop(): void;
};

export type StartSource = (tell: (where: Where) => void) => Source;

export function lost(reason: LostReason, params: LostNetns['params'] = {}): { lost: LostNetns } {
  return { lost: { reason, params } };
}
