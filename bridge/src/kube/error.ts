/** The API server's `Status`, as far as the bridge reads it. */
export type Status = {
  kind?: string;
  code?: number;
  reason?: string;
  message?: string;
  details?: { name?: string; retryAfterSeconds?: number };
};

/** The API server refused: `code` is the HTTP status, `reason` the Status' reason such as `NotFound` or `Expired`. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  /** Delay before a retry in seconds, if the server named one. */
  readonly retryAfter: number | undefined;
  /** The refused object, if the server named it. */
  readonly object: string | undefined;

  constructor(code: number, status: Status, request: string) {
    super(`${request}: ${status.message ?? `HTTP ${code}`}`);
    this.code = code;
    this.reason = status.reason ?? '';
    this.retryAfter = status.details?.retryAfterSeconds;
    this.object = status.details?.name;
  }
}

/** The API server, or a proxy in its place, responded with success but without the requested content. */
export class MalformedAnswerError extends Error {
  override name = 'MalformedAnswerError';
}

/** True if the API server responded with one of these HTTP statuses. */
export function answered(error: unknown, ...codes: readonly number[]): error is ApiError {
  return error instanceof ApiError && codes.includes(error.code);
}
