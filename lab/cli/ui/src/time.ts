/** A length of time in the two largest units that matter: `42 s`, `3 min 5 s`, `2 h 4 min`, `5 d 3 h`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return join(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return join(hours, 'h', minutes % 60, 'min');
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

const join = (more: number, large: string, less: number, small: string): string =>
  `${more} ${large}${less === 0 ? '' : ` ${less} ${small}`}`;

/** How long ago a moment was, in words. */
export const ago = (time: string, now: number): string => {
  const passed = now - Date.parse(time);
  return passed < 1500 ? 'just now' : `${duration(passed)} ago`;
};

const two = (value: number): string => String(value).padStart(2, '0');

/** The time of day with milliseconds, in the reader's zone. */
export function clock(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime())
    ? time
    : `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** The day, as in ISO 8601, in the reader's zone. */
export function day(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? '' : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
