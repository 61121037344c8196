import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What a browser may do with the page: run and show what this server serves, talk to it, and nothing else. */
export const headers: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const names = ['127.0.0.1', 'localhost'];

/** Whether the Host header names this server. Rejects other names that resolve to this address (DNS rebinding). */
export function hostFits({ headers: { host } }: Pick<IncomingMessage, 'headers'>, port: number): boolean {
  return names.some((name) => host === `${name}:${port}`);
}

/** Whether the request is from a page of this server; programs other than browsers send no Origin. */
export function originFits({ headers: { origin } }: Pick<IncomingMessage, 'headers'>, port: number): boolean {
  return origin === undefined || names.some((name) => origin === `http://${name}:${port}`);
}

/** The address that a request is for; null: a malformed one. */
export const addressOf = ({ url = '/' }: Pick<IncomingMessage, 'url'>): URL | null =>
  URL.parse(url, 'http://127.0.0.1');

/** Whether the request gives the token, as `?token=`. */
export const tokenFits = (request: Pick<IncomingMessage, 'url'>, token: string): boolean =>
  sameToken(addressOf(request)?.searchParams.get('token') ?? '', token);

/** Compares in constant time, so that the duration reveals neither where they differ nor the length of the right one. */
function sameToken(given: string, right: string): boolean {
  return timingSafeEqual(digest(given), digest(right));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
