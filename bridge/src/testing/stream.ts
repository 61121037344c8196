import { systemRandom } from '@ifactor/common';
import { streams } from '@ifactor/common/nats';
import { createMemoryEventStore, TestClock } from '@ifactor/common/testing';
import type { MemoryEventStore } from '@ifactor/common/testing';
import { createSealer } from '../desired/seal.ts';
import type { Signer } from '../signing/signer.ts';
import { follow } from '../stream/follower.ts';
import type { StreamFollower } from '../stream/follower.ts';
import { createPublisher } from '../stream/publisher.ts';
import type { Publisher } from '../stream/publisher.ts';
import { createOutage } from '../view/outage.ts';
import { quiet } from './objects.ts';
import { testSigner } from './signing.ts';

/** The desired stream without a server, and any number of bridges' views of it. */
export type DesiredBench = {
  clock: TestClock;
  memory: MemoryEventStore;
  /** One bridge's side; `leads` is the state of its lease. */
  side(): Promise<DesiredSide>;
};

export type DesiredSide = {
  store: ReturnType<MemoryEventStore['connect']>;
  desired: StreamFollower;
  publisher: Publisher;
  /** Signs with the key that all sides share. */
  signer: Signer;
  /** Whether its lease is held. */
  leads: boolean;
  stop(): void;
};

export function desiredBench(): DesiredBench {
  const clock = new TestClock();
  const memory = createMemoryEventStore(clock, {
    [streams.desired]: 'last per subject',
    [streams.status]: 'last per subject',
    [streams.events]: 'all',
  });
  return {
    clock,
    memory,
    async side() {
      const stop = new AbortController();
      const store = memory.connect();
      const desired = follow({
        store,
        stream: streams.desired,
        outage: createOutage(quiet, 'back'),
        clock,
        random: systemRandom,
        signal: stop.signal,
        onChange: () => undefined,
      });
      await desired.settled;
      const signer = testSigner(clock);
      const side: DesiredSide = {
        store,
        desired,
        signer,
        leads: true,
        publisher: createPublisher({
          store,
          follower: desired,
          sealer: createSealer(),
          signer,
          leads: () => side.leads,
          clock,
        }),
        stop: () => stop.abort(),
      };
      return side;
    },
  };
}
