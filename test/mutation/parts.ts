/** What one mutation run covers. Globs are relative to the workspace. */
export type Part = {
  workspace: 'actors' | 'bridge';
  /** Whose lines are switched off or altered, one at a time. */
  mutate: string[];
  /** What has to notice, in this order: tests that need no server and no kernel, which would notice too, but only by waiting in vain. */
  tests: string[];
  /** The least score, in per cent. */
  floor: number;
};

export const parts: Readonly<Record<string, Part>> = {
  drivers: {
    workspace: 'actors',
    mutate: ['src/{driver,driver/kind,interface/kind,interface/diff}/*.ts'],
    tests: ['src/{driver,interface/kind,interface/diff}/*.test.ts'],
    floor: 97,
  },
  bridge: {
    workspace: 'bridge',
    mutate: ['src/{desired,plan,status}/*.ts', 'src/stream/publisher.ts', 'src/queue.ts'],
    tests: ['src/{desired,plan,status,view}/*.test.ts', 'src/stream/publisher.test.ts', 'src/queue.test.ts'],
    floor: 92,
  },
  machine: {
    workspace: 'actors',
    mutate: ['src/interface/machine/*.ts'],
    // Without the random walks, which take ten seconds for each mutant; with recorded lives.
    tests: [
      'src/interface/machine/arrows.test.ts',
      'src/interface/machine/{fold,learn,decide,declared,evolve,failure,waits}.test.ts',
      'src/interface/machine/!(order|model|chart).test.ts',
      '../test/mutation/recorded.ts',
    ],
    floor: 92,
  },
  agent: {
    workspace: 'actors',
    mutate: ['src/node/{runner,desired,resolve}/*.ts'],
    // Those beside what they test, the quick ones first; those that tell whole stories take too long for each mutant.
    tests: [
      'src/node/runner/{actor,claims,deferredFacts,eventWriter,recorder,slots,smallMap,snapshots,subscriptions,timers}.test.ts',
      'src/node/desired/{facts,intake,store}.test.ts',
      'src/node/runner/{looker,performer,runner}.test.ts',
      'src/node/{desired,resolve}/*.test.ts',
      'src/node/runner/{confirmations,endpoints,loops,packedActor}.test.ts',
    ],
    floor: 92,
  },
  shipping: {
    workspace: 'actors',
    mutate: ['src/node/shipping/*.ts'],
    // With the event store in memory.
    tests: ['src/node/shipping/{resume,shipping}.test.ts'],
    floor: 92,
  },
};

/** Names the part to the vitest processes that Stryker starts. */
export const partVariable = 'IFACTOR_MUTATION_PART';
