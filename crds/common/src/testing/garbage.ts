import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects unreferenced objects, so that a test can count the remaining ones. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
