import { printable } from '@ifactor/common';
import type { RecordedEvent } from '@ifactor/crds';
import { eventWords } from '@ifactor/crds/words';
import pc from 'picocolors';

/** An event in one line: `TIME NODE SEQUENCE KIND/NAMESPACE/NAME TYPE → STATE  what happened`. */
export function eventText(event: RecordedEvent): string {
  const { time, node, sequence, key, type, state } = event;
  const object = printable(`${key.kind}/${key.namespace}/${key.name}`);
  return `${pc.dim(printable(time))} ${printable(node)} ${pc.dim(`#${sequence}`)} ${object} ${pc.bold(type)} ${pc.cyan(printable(`→ ${state}`))}  ${printable(eventWords(event))}`;
}
