/** Follows the kernel's notifications about one netns on a socket of its own. */
import { every } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { decodeAddress, RTM_DELADDR, RTM_NEWADDR } from '../wire/address.ts';
import type { Notification } from '../linux/cache.ts';
import { decodeLink, encodeGetLink, linkIndex, RTM_DELLINK, RTM_NEWLINK } from '../wire/link.ts';
import type { Socket, SocketHandlers } from './socket.ts';
import { address, messages, NLMSG_ERROR, type Message } from '../wire/attribute.ts';

const RTNLGRP_LINK = 1;
const RTNLGRP_IPV4_IFADDR = 5;
const RTNLGRP_IPV6_IFADDR = 9;
export const monitorGroups = [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR];

/** lo, which every netns has and which cannot be deleted. */
const loopback = 1;

export type MonitorHandlers = {
  notification(notification: Notification): void;
  /** Notifications were lost: read everything again. */
  overrun(error: Error): void;
};

const askAgainMs = 100;

/**
 * The kernel queues its answers to this socket's questions behind all notifications that came before, so a question about
 * one link serves as a barrier. There is one barrier under way at a time; callers that come meanwhile share the next.
 * After an overrun the kernel drops everything for this socket, answers too and without a word, until all that was queued has
 * been read: so a question is asked again until it is answered, and its answer says that the socket is whole again.
 */
export class Monitor {
  readonly #socket: Socket;
  readonly #handlers: MonitorHandlers;
  #seq = 1;
  #closed = false;
  readonly #clock: Clock;
  #underWay: { seqs: Set<number>; done: () => void; endAsking: () => void } | undefined;
  #next: PromiseWithResolvers<void> | undefined;

  constructor(open: (handlers: SocketHandlers) => Socket, handlers: MonitorHandlers, clock: Clock) {
    this.#handlers = handlers;
    this.#clock = clock;
    this.#socket = open({
      receive: (data) => {
        for (const message of messages(data)) this.#receive(message);
      },
      broken: (error) => this.#broken(error),
    });
  }

  /** Resolves when all that the kernel had queued at the time of this call was delivered; also if an overrun lost it, or after close. */
  barrier(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const { promise } = (this.#next ??= Promise.withResolvers<void>());
    if (!this.#underWay) this.#ask();
    return promise;
  }

  /** Reads one link again, in order with the notifications. */
  refresh(link: number | string): void {
    this.#send(link);
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
    this.#takeWaiting()();
  }

  #ask(): void {
    const seqs = new Set([this.#seq]);
    const endAsking = every(this.#clock, askAgainMs, () => {
      seqs.add(this.#seq);
      this.#send(loopback);
    });
    this.#underWay = { seqs, done: this.#next!.resolve, endAsking };
    this.#next = undefined;
    this.#socket.keepAlive(true);
    this.#send(loopback);
  }

  #send(link: number | string): void {
    const message = encodeGetLink(link);
    address(message, this.#seq, this.#socket.port);
    this.#seq = (this.#seq % 0xffffffff) + 1;
    this.#socket.send([message]);
  }

  #receive(message: Message): void {
    const notification = decode(message);
    if (notification) this.#handlers.notification(notification);
    const answer =
      message.port === this.#socket.port >>> 0 && (message.type === RTM_NEWLINK || message.type === NLMSG_ERROR);
    if (answer && this.#underWay?.seqs.has(message.seq)) this.#answered();
  }

  #answered(): void {
    const { done, endAsking } = this.#underWay!;
    this.#underWay = undefined;
    endAsking();
    done();
    if (this.#next) this.#ask();
    else this.#socket.keepAlive(false);
  }

  /** The answers that are waited for may be among what was lost. What the handler asks is asked after this. */
  #broken(error: Error): void {
    const release = this.#takeWaiting();
    this.#handlers.overrun(error);
    release();
  }

  #takeWaiting(): () => void {
    this.#underWay?.endAsking();
    const waiting = [this.#underWay?.done, this.#next?.resolve];
    this.#underWay = undefined;
    this.#next = undefined;
    this.#socket.keepAlive(false);
    return () => {
      for (const done of waiting) done?.();
    };
  }
}

function decode(message: Message): Notification | undefined {
  switch (message.type) {
    case RTM_NEWLINK: {
      const link = decodeLink(message.payload);
      return link && { type: 'newLink', link };
    }
    case RTM_DELLINK: {
      const index = linkIndex(message.payload);
      return index === undefined ? undefined : { type: 'delLink', index };
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const decoded = decodeAddress(message.payload);
      return decoded && { type: message.type === RTM_NEWADDR ? 'newAddress' : 'delAddress', ...decoded };
    }
    default:
      return undefined;
  }
}
