/** What is said of a list of measurements. */
export type Summary = { median: number; least: number; most: number; count: number };

export function summarize(values: readonly number[]): Summary {
  return {
    median: percentile(values, 50),
    least: Math.min(...values),
    most: Math.max(...values),
    count: values.length,
  };
}

/** Nearest rank. @throws RangeError where there are no values */
export function percentile(values: readonly number[], percent: number): number {
  const value = values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil((values.length * percent) / 100) - 1)];
  if (value === undefined) throw new RangeError('no values');
  return value;
}

/** As `12,345/s`. */
export const rate = (perSecond: number): string => `${Math.round(perSecond).toLocaleString('en')}/s`;
