import { parentPort } from 'node:worker_threads';
import type { ElkNode } from 'elkjs';
import Elk from 'elkjs/lib/elk.bundled.js';

/*
 * A worker thread: ELK computes for most of a second where there are a thousand links, and nobody is to wait for that.
 * Answers `{id, graph}` by `{id, placed}` or `{id, error}`.
 */
const engine = new Elk.default();

parentPort?.on('message', ({ id, graph }: { id: number; graph: ElkNode }) => {
  const answer = (content: object): void => {
    // The rule is about windows; a thread's port has no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    parentPort?.postMessage({ id, ...content });
  };
  engine.layout(graph).then(
    (placed) => answer({ placed }),
    (error: unknown) => answer({ error: String(error) }),
  );
});
