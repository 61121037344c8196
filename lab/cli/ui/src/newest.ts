/**
 * Sends one request at a time; of the requests made while one is pending, only the newest is sent. A dragged scrubber
 * thus sends requests as fast as answers arrive, and never shows an older answer after a newer one.
 */
export function newest<R, A>(
  ask: (request: R) => Promise<A>,
  take: (answer: A, request: R) => void,
  fail: (error: Error, request: R) => void,
): (request: R) => void {
  let wanted: { request: R } | null = null;
  let busy = false;
  async function work(): Promise<void> {
    busy = true;
    while (wanted !== null) {
      const { request } = wanted;
      wanted = null;
      try {
        const answer = await ask(request);
        if (wanted === null) take(answer, request);
      } catch (error) {
        if (wanted === null) fail(error instanceof Error ? error : new Error(String(error)), request);
      }
    }
    busy = false;
  }
  return (request) => {
    wanted = { request };
    if (!busy) void work();
  };
}
