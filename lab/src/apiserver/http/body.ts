/** Reads what clients send, and refuses what is no JSON object of a sane size. */
import type { IncomingMessage } from 'node:http';
import { parse as parseYaml } from 'yaml';
import { isRecord } from '@ifactor/common/json';
import { ApiRefusal, badRequest } from '../status.ts';
import { decodeProtobuf } from './protobuf.ts';

/** The largest body that is read, as in a real API server. */
const limitBytes = 3 * 1024 * 1024;
/** Of a body above the limit so much is read and dropped, so that the connection stays usable; then it is closed. */
const discardBytes = 64 * 1024 * 1024;
/** Objects and lists in one another. A real API server takes 10 000; no kind that is served here needs ten. */
const deepest = 200;

/** @throws ApiRefusal 413 where it is too large, after all of it has come: the next request follows on the same connection */
export async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= limitBytes) chunks.push(chunk);
    else if (sizeBytes > discardBytes) break;
  }
  if (sizeBytes > limitBytes)
    throw new ApiRefusal(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`);
  return Buffer.concat(chunks);
}

/** Reads a body of any of the media types that clients send; nothing sent is an empty object. @throws ApiRefusal */
export function readBody(type: string, body: Buffer): unknown {
  if (body.length === 0) return {};
  const value = decode(type, body);
  return checkJson(value, 0) ? value : toWellFormed(value);
}

function decode(type: string, body: Buffer): unknown {
  try {
    if (type.includes('protobuf')) return decodeProtobuf(body);
    return type.includes('yaml') ? parseYaml(body.toString()) : JSON.parse(body.toString());
  } catch (error) {
    if (error instanceof ApiRefusal) throw error;
    throw badRequest(`error decoding the request body: ${(error as Error).message}`);
  }
}

/**
 * Refuses what JSON text allows and no object may hold, and what YAML allows beyond JSON.
 * @returns whether all text is Unicode: JSON can escape half a surrogate pair
 */
function checkJson(value: unknown, depth: number): boolean {
  if (depth > deepest) throw badRequest(`the body is nested more than ${deepest} levels deep`);
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number' && !Number.isFinite(value))
    throw badRequest(`the body holds ${value}, which JSON has no number for`);
  let wellFormed = true;
  if (Array.isArray(value)) {
    for (const item of value) if (!checkJson(item, depth + 1)) wellFormed = false;
  } else if (isRecord(value)) {
    for (const [key, inner] of Object.entries(value))
      if (!checkJson(inner, depth + 1) || !key.isWellFormed()) wellFormed = false;
  }
  return wellFormed;
}

/** The value with U+FFFD for each lone surrogate, as Go's JSON decoder reads it. */
function toWellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(toWellFormed);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toWellFormed(), toWellFormed(inner)]));
}
