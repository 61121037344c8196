import { describe, expect, it } from 'vitest';
import { machineVersion } from './event.ts';
import type { RecordedEvent } from './event.ts';
import { upcast } from './upcast.ts';

const event = (machine: number): RecordedEvent => ({
  type: 'AgentStarted',
  time: '2026-01-01T00:00:00.000Z',
  data: { version: 'old' },
  id: 'n.j.1',
  sequence: 1,
  node: 'n',
  key: { kind: 'netlinkinterface', namespace: 'default', name: 'a' },
  causationId: null,
  correlationId: 'n.j.1',
  state: 'pending',
  machine,
});
const steps = {
  1: (old: RecordedEvent) => ({ ...old, data: { version: 'of 2' } }) as RecordedEvent,
  3: (old: RecordedEvent) =>
    ({ ...old, data: { version: `${(old.data as { version: string }).version}, of 4` } }) as RecordedEvent,
};

describe('upcast', () => {
  it('takes an event through every version after its own, and leaves who wrote it', () => {
    expect(upcast(event(1), steps, 4)).toMatchObject({ data: { version: 'of 2, of 4' }, machine: 1 });
    expect(upcast(event(2), steps, 4)).toMatchObject({ data: { version: 'old, of 4' }, machine: 2 });
  });

  it('has a step for every version so far, and takes events of versions 1 and 2 as they were recorded', () => {
    for (let machine = 1; machine < machineVersion; machine++) expect(upcast(event(machine))).toEqual(event(machine));
  });

  it('leaves events of this version, and of newer ones, as they are', () => {
    for (const machine of [machineVersion, machineVersion + 1]) {
      const same = event(machine);
      expect(upcast(same)).toBe(same);
    }
    const newer = event(9);
    expect(upcast(newer, steps, 4)).toBe(newer);
  });
});
