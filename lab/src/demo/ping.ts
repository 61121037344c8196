import { systemClock } from '@ifactor/common';
import { LabError } from '../cluster/error.ts';
import type { Stage } from './stage.ts';

/** Time for a tunnel's first handshake, which WireGuard tries every 5 s, and for addresses to be usable. */
const answerWithinMs = 60_000;

/**
 * Pings until each of these addresses replies, then once more with the output shown.
 * @param from one or more addresses whose replies must be seen
 * @throws LabError where one did not answer
 */
export async function ping(stage: Stage, container: string, target: string, from: string[]): Promise<void> {
  const limit = systemClock.monotonic() + answerWithinMs;
  const lacks = (output: string) => from.filter((address) => !hasAnswered(output, address));
  for (let left = from; left.length > 0;) {
    const { stdout } = await stage.look(stage.inside(container, 'ping', '-c', '2', '-W', '1', target));
    left = lacks(stdout);
    if (left.length > 0 && systemClock.monotonic() > limit)
      throw new LabError(
        `${left.join(' and ')} did not answer a ping to ${target} from ${container} within ${answerWithinMs / 1000} s`,
      );
  }
  const missing = lacks(await stage.show(stage.inside(container, 'ping', '-c', '3', target)));
  if (missing.length > 0) throw new LabError(`${missing.join(' and ')} did not answer`);
}

/** `64 bytes from ADDRESS: …`, as busybox prints it, or `64 bytes from ADDRESS%LINK: …`, as iputils. */
export function hasAnswered(output: string, address: string): boolean {
  return output.split('\n').some((line) => {
    const from = /bytes from ([0-9a-f.:]+?)(?:%\S+?)?:? /.exec(line)?.[1];
    return from === address;
  });
}
