import { expect, test } from 'vitest';
import { groupsOf, successors } from '@ifactor/actors';
import { lifecycle } from '../state/words.ts';
import { box, canvas, curve, groups, places } from './layout.ts';

const pairs = lifecycle.flatMap((from) => successors[from].map((to) => [from, to] as const));

/** Points along a quadratic curve. */
function points(path: string): { x: number; y: number }[] {
  const [ax = 0, ay = 0, cx = 0, cy = 0, bx = 0, by = 0] = (path.match(/-?[\d.]+/g) ?? []).map(Number);
  return Array.from({ length: 21 }, (_, step) => step / 20).map((t) => ({
    x: (1 - t) ** 2 * ax + 2 * t * (1 - t) * cx + t ** 2 * bx,
    y: (1 - t) ** 2 * ay + 2 * t * (1 - t) * cy + t ** 2 * by,
  }));
}

test('every transition of the lifecycle can be drawn within the picture', () => {
  for (const [from, to] of pairs) {
    for (const { x, y } of points(curve(from, to).path)) {
      expect(x >= 0 && x <= canvas.width && y >= 0 && y <= canvas.height, `${from} → ${to} at ${x}, ${y}`).toBe(true);
    }
  }
});

test('no arrow runs through a state that it does not touch', () => {
  for (const [from, to] of pairs) {
    for (const { x, y } of points(curve(from, to).path)) {
      const hit = lifecycle.find(
        (state) =>
          state !== from &&
          state !== to &&
          Math.abs(places[state].x - x) < box.width / 2 - 1 &&
          Math.abs(places[state].y - y) < box.height / 2 - 1,
      );
      expect(hit, `${from} → ${to} at ${x}, ${y}`).toBeUndefined();
    }
  }
});

test('the way back stands apart from the way there', () => {
  for (const [from, to] of pairs) {
    const there = curve(from, to).middle;
    const back = curve(to, from).middle;
    expect(Math.hypot(there.x - back.x, there.y - back.y), `${from} ⇄ ${to}`).toBeGreaterThan(8);
  }
});

test('each group of the statechart is drawn around its states, and around no other', () => {
  expect(groups.map(({ name }) => name).toSorted()).toEqual([...new Set(lifecycle.flatMap(groupsOf))].toSorted());
  for (const { name, x, y, width, height } of groups) {
    const inside = lifecycle.filter(
      (state) =>
        places[state].x - box.width / 2 > x &&
        places[state].x + box.width / 2 < x + width &&
        places[state].y - box.height / 2 > y &&
        places[state].y + box.height / 2 < y + height,
    );
    expect(inside, name).toEqual(lifecycle.filter((state) => groupsOf(state).includes(name)));
  }
});
