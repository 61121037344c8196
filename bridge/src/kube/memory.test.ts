import { createMemoryKube } from '../testing/memoryKube.ts';
import { kubeSuite } from '../testing/kubeSuite.ts';

kubeSuite('a server in memory', () => Promise.resolve(createMemoryKube()));
