/** Something outside the caller's arguments went wrong; the message says what to do next. */
export class LabError extends Error {
  override name = 'LabError';
}
