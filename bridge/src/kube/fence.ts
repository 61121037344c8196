import type { Client } from './client.ts';

/** A write was refused here because this bridge does not lead (any more). */
export class NotLeadingError extends Error {
  override name = 'NotLeadingError';
}

/** The same client, which writes only while `leads` says so. */
export function fence(client: Client, leads: () => boolean): Client {
  return {
    ...client,
    call(method, path, call) {
      if (method !== 'GET' && !leads())
        return Promise.reject(new NotLeadingError(`${method} ${path}: another bridge may lead by now`));
      return client.call(method, path, call);
    },
  };
}
