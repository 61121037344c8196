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

/** The netns that a selector leads to. It is open until the next one is reported, or until the follower stops. */
export type ResolvedNetns = { netns: Netns } | { lost: LostNetns };

/** Where a netns is, before it is opened: a path that leads there, and its nsfs inode in decimal. */
export type NetnsLocation = { path: string; id: string } | { lost: LostNetns };

/** Watches where one target leads. It reports from timers and events only, never within the call that starts it. */
export type NetnsWatch = {
  /** Looks and reports, even if nothing changed. */
  recheck(): void;
  stop(): void;
};

export type StartNetnsWatch = (report: (location: NetnsLocation) => void) => NetnsWatch;

export function lost(reason: LostReason, params: LostNetns['params'] = {}): { lost: LostNetns } {
  return { lost: { reason, params } };
}
