/** Deletes links, many at once where many are asked for. */
import { systemRandom } from '@ifactor/common';
import type { Random } from '@ifactor/common';
import { isKernelError } from '../error.ts';
import { encodeDeleteGroup, encodeDeleteLink, encodeSetGroup } from '../wire/link.ts';
import type { Requests } from '../socket/requests.ts';

type Wanted = { index: number; operation: string; resolve: () => void; reject: (error: unknown) => void };

const atOnce = 32;

/**
 * Each deletion costs the kernel tens of milliseconds, mostly spent waiting, which it does once for all links of a group. So
 * what is asked for in one turn, or during a deletion, is gathered into a group.
 */
export class LinkDeletions {
  readonly #requests: Requests;
  readonly #waiting: Wanted[] = [];
  /** Marks links for deletion by this object; no one sets 30 random bits by chance. */
  readonly #group: number;
  #busy = false;

  constructor(requests: Requests, random: Random = systemRandom) {
    this.#requests = requests;
    this.#group = 0x40000000 + Math.floor(random.fraction() * 0x3fffffff);
  }

  delete(index: number, operation: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ index, operation, resolve, reject });
      if (!this.#busy) void this.#work();
    });
  }

  /** Never rejects: each waiting caller gets its own result. */
  async #work(): Promise<void> {
    this.#busy = true;
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, atOnce);
      if (batch.length === 1) await this.#single(batch[0]!);
      else await this.#many(batch);
    }
    this.#busy = false;
  }

  async #single({ index, operation, resolve, reject }: Wanted): Promise<void> {
    await this.#requests.request(encodeDeleteLink(index), { operation, slow: true }).then(() => resolve(), reject);
  }

  async #many(batch: Wanted[]): Promise<void> {
    const marked: Wanted[] = [];
    await Promise.all(
      batch.map((wanted) =>
        this.#requests
          .request(encodeSetGroup(wanted.index, this.#group), { operation: wanted.operation })
          .then(() => marked.push(wanted), wanted.reject),
      ),
    );
    if (marked.length === 0) return;
    try {
      await this.#requests.request(encodeDeleteGroup(this.#group), {
        operation: `delete ${marked.length} links`,
        slow: true,
      });
      for (const wanted of marked) wanted.resolve();
    } catch (error) {
      // One link that cannot be deleted fails the whole batch; then delete each on its own, so that each gets its own result.
      for (const wanted of marked)
        await (isKernelError(error, 'ECLOSED') ? wanted.reject(error) : this.#single(wanted));
    }
  }
}
