/** The API server's `Status`, as far as it is looked at. */
export type Status = {
  kind?: string;
  code?: number;
  reason?: string;
  message?: string;
  details?: { retryAfterSeconds?: number };
};

/** The API server refused: `code` is the HTTP status, `reason` the Status' reason such as `NotFound` or `Expired`. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly retryAfter: number | undefined;

  constructor(code: number, status: Status, request: string) {
    super(`${request}: ${status.message ?? `HTTP ${code}`}`);
    this.code = code;
    this.reason = status.reason ?? '';
    this.retryAfter = status.details?.retryAfterSeconds;
  }
}

/** True where the API server answered with one of these HTTP statuses. */
export function answered(error: unknown, ...codes: readonly number[]): error is ApiError {
  return error instanceof ApiError && codes.includes(error.code);
}
