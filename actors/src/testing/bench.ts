import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectOnce, eventStoreOf } from '@ifactor/common/nats';
import { startNats } from '@ifactor/common/testing';
import type { NatsServer } from '@ifactor/common/testing';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach } from 'vitest';

/** A folder and a NATS server of its own for each test of a file, and connections that are closed after it. */
export type NatsBench = {
  readonly folder: string;
  readonly nats: NatsServer;
  dial(servers?: string): Promise<NatsConnection>;
  /** kill -9 and start, with an empty store if `wipe`. */
  restart(wipe?: boolean): Promise<void>;
  /** Runs after the test, the last one first. */
  cleanup(step: () => Promise<unknown> | void): void;
  cleanupNow(): Promise<void>;
};

export function natsBench(): NatsBench {
  let folder = '';
  let nats: NatsServer;
  let cleanups: (() => Promise<unknown> | void)[] = [];
  const cleanupNow = async (): Promise<void> => {
    const steps = cleanups.toReversed();
    cleanups = [];
    const failures: unknown[] = [];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'a test could not be cleaned up');
  };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ifactor-bench-'));
    nats = await startNats({ folder });
  });
  afterEach(async () => {
    try {
      await cleanupNow();
    } finally {
      await nats.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
  return {
    get folder() {
      return folder;
    },
    get nats() {
      return nats;
    },
    dial: async (servers = nats.url) => {
      const connection = await connectOnce({ servers, name: 'test' });
      cleanups.push(() => connection.close());
      // A store follows its connection from when it is up.
      eventStoreOf(connection);
      return connection;
    },
    restart: async (wipe = false) => {
      await nats.kill();
      if (wipe) nats.wipe();
      await nats.start();
    },
    cleanup: (step) => void cleanups.push(step),
    cleanupNow,
  };
}
