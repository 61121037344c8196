/** The figures as a person reads them. */
import { cpus } from 'node:os';
import { foldText } from './logReport.ts';
import type { FoldRates } from './logReport.ts';
import type { Converged, Healed } from './path.ts';
import type { Share } from './profile.ts';
import { percentile, rate, summarize } from './stats.ts';

/** Times in milliseconds, one per repetition; rates per second. */
export type Result = {
  count: number;
  peer: number[];
  netlink: number;
  actors: number;
  path: Converged[];
  healed: Healed[];
  fold: FoldRates;
  journal: Record<string, number>;
  profile: { functions: Share[]; parts: Share[] } | null;
};

export function report({ count, peer, netlink, actors, path, healed, fold, journal, profile }: Result): string {
  const peerMedian = summarize(peer).median;
  const row = (what: string, values: number[]): string => {
    const { median, least, most } = summarize(values);
    return `  ${what.padEnd(34)} ${ms(median)}  (${ms(least).trim()} … ${ms(most).trim()})  ${(median / peerMedian).toFixed(2).padStart(6)} ×`;
  };
  const lines = [
    `${count} bridges, each with mtu, IPv4, IPv6, up; medians of ${peer.length}, ${cpus().length} cores (${cpus()[0]?.model ?? '?'})`,
    row('ip -batch', peer),
    row(
      'desired in NATS → kernel',
      path.map(({ took }) => took),
    ),
    row(
      '  of which publishing',
      path.map(({ published }) => published),
    ),
    row(
      '  CPU time of the agent',
      path.map(({ cpu }) => cpu),
    ),
    row('netlink layer alone', [netlink]),
    row('actors and journal, no NATS', [actors]),
    `  resident memory of the agent       ${summarize(path.map(({ memory }) => memory))
      .median.toFixed(0)
      .padStart(8)} MB`,
  ];
  if (healed.length > 0) {
    const at = (values: number[]): string =>
      `p50 ${ms(percentile(values, 50)).trim()}, p99 ${ms(percentile(values, 99)).trim()}`;
    lines.push(
      `ip link del → healed, ${healed.length} tries among ${count} bridges`,
      `  from the kernel's word that it is gone   ${at(healed.map(({ gone }) => gone))}`,
      `  from the start of the command            ${at(healed.map(({ asked }) => asked))}`,
      `  the command alone                        ${at(healed.map(({ command }) => command))}`,
    );
  }
  lines.push(
    ...foldText(fold),
    `journal   ${Object.entries(journal)
      .map(([group, value]) => `${rate(value)} events in groups of ${group}`)
      .join(', ')}`,
  );
  if (profile) {
    const total = profile.parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const share = ({ what, milliseconds }: Share): string =>
      `  ${((100 * milliseconds) / total).toFixed(1).padStart(5)} %  ${what}`;
    lines.push(
      'CPU time of the agents, start included, by part',
      ...profile.parts.slice(0, 15).map(share),
      'by function',
      ...profile.functions.slice(0, 30).map(share),
    );
  }
  return lines.join('\n');
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`.padStart(9);
}
