import type { KubeApi } from './port.ts';
import { writes } from './port.ts';

/** The bridge refused to write because it does not lead, or no longer leads. */
export class NotLeadingError extends Error {
  override name = 'NotLeadingError';
}

/** The same API, but writes fail unless `leads` returns true. */
export function fence(api: KubeApi, leads: () => boolean): KubeApi {
  const refuse =
    <A extends unknown[], R>(name: string, write: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      leads() ? write(...args) : Promise.reject(new NotLeadingError(`${name}: another bridge may lead by now`));
  const fenced = { ...api };
  for (const name of writes) Object.assign(fenced, { [name]: refuse<unknown[], unknown>(name, api[name] as never) });
  return fenced;
}
