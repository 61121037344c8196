/** In milliseconds: how long a long computation may go on before others are served. */
const patience = 15;

/** Called now and then by a long computation: lets others be served when it is time for that. */
export function pause(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < patience) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        since = performance.now();
        resolve();
      });
    });
  };
}
