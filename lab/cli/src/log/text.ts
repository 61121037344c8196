import { printAddress } from '@ifactor/actors';
import type { RecordedEvent } from '@ifactor/crds';
import pc from 'picocolors';

/** An event in one line: `TIME NODE SEQUENCE KIND/NAMESPACE/NAME TYPE → STATE  what`. */
export function eventText(event: RecordedEvent): string {
  const { time, node, sequence, key, type, state } = event;
  const what = `${key.kind}/${key.namespace}/${key.name}`;
  return `${pc.dim(time)} ${node} ${pc.dim(`#${sequence}`)} ${what} ${pc.bold(type)} ${pc.cyan(`→ ${state}`)}${summary(event)}`;
}

/** What an event says, after two spaces; the rest of its data is for --json. */
export function summary({ type, data }: RecordedEvent): string {
  const words: string[] = [];
  if (type === 'SpecChanged') words.push(`generation ${data.generation}`);
  if (type === 'DriftObserved')
    words.push(
      ...data.drift.map(
        ({ field, wanted, found }) => `${field}: wanted ${valueText(wanted)}, found ${valueText(found)}`,
      ),
    );
  if (type === 'OperationFailed') words.push(data.operation.type, data.message);
  if (words.length === 0) {
    for (const [name, value] of Object.entries(data)) {
      if (name === 'operations' || name === 'observed' || value === null) continue;
      if (name === 'address') words.push(printAddress(value));
      else if (name === 'name' || name === 'message') words.push(String(value));
      else words.push(`${name}=${valueText(value)}`);
    }
  }
  return words.length === 0 ? '' : `  ${words.join(' ')}`;
}

/** A value in few characters. */
export function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 160 ? `${text.slice(0, 157)}…` : text;
}
