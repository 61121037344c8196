import { parentPort } from 'node:worker_threads';
import type { ElkNode } from 'elkjs';
import Elk from 'elkjs/lib/elk.bundled.js';

/*
 * A worker thread: ELK needs most of a second for a thousand links, which would block the server.
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
