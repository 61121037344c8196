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
  /** In seconds, where the server named a time. */
  readonly retryAfter: number | undefined;
  /** The object that the refusal is about, where the server named it. */
  readonly object: string | undefined;

  constructor(code: number, status: Status, request: string) {
    super(`${request}: ${status.message ?? `HTTP ${code}`}`);
    this.code = code;
    this.reason = status.reason ?? '';
    this.retryAfter = status.details?.retryAfterSeconds;
    this.object = status.details?.name;
  }
}

/** The API server, or something in its place, answered with success and without what was asked for. */
export class MalformedAnswerError extends Error {
  override name = 'MalformedAnswerError';
}

/** True where the API server answered with one of these HTTP statuses. */
export function answered(error: unknown, ...codes: readonly number[]): error is ApiError {
  return error instanceof ApiError && codes.includes(error.code);
}
