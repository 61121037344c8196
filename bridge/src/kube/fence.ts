import type { KubeApi } from './port.ts';
import { writes } from './port.ts';

/** The bridge refused to write because it does not lead, or not any more. */
export class NotLeadingError extends Error {
  override name = 'NotLeadingError';
}

/** The same API, which writes only while `leads` says so. */
export function fence(api: KubeApi, leads: () => boolean): KubeApi {
  const refuse =
    <A extends unknown[], R>(name: string, write: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      leads() ? write(...args) : Promise.reject(new NotLeadingError(`${name}: another bridge may lead by now`));
  const fenced = { ...api };
  for (const name of writes) Object.assign(fenced, { [name]: refuse<unknown[], unknown>(name, api[name] as never) });
  return fenced;
}
