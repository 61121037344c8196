import type { State } from '@ifactor/crds';

/** Size of the drawing and of a state in it. */
export const canvas = { width: 460, height: 272 };
export const box = { width: 118, height: 30 };

type Point = { x: number; y: number };

/**
 * Where the middle of each state stands: life flows from left to right, trouble below, the end at the bottom; uneven, so
 * that an arrow between any two finds its way past the others.
 */
export const places: { readonly [S in State]: Point } = {
  pending: { x: 75, y: 66 },
  creating: { x: 210, y: 36 },
  configured: { x: 384, y: 70 },
  failed: { x: 72, y: 156 },
  drifted: { x: 235, y: 121 },
  'moved-to-netns': { x: 389, y: 163 },
  deleting: { x: 133, y: 246 },
  deleted: { x: 268, y: 248 },
};

/** The groups of the statechart, each behind those that it holds. */
export const groups: readonly { name: string; x: number; y: number; width: number; height: number }[] = [
  { name: 'alive', x: 3, y: 3, width: 454, height: 204 },
  { name: 'healthy', x: 320, y: 32, width: 132, height: 160 },
  { name: 'ending', x: 60, y: 218, width: 292, height: 51 },
];

export type Curve = { path: string; middle: Point };

/**
 * A bent arrow between two states, from border to border. It bends to its right, so that the way there and the way back
 * stand apart; one that would run through a third state bends around it.
 */
export function curve(from: State, to: State): Curve {
  const bows = [20, 54, 90, -54, -90, 130].map((bend) => bow(from, to, bend));
  const { start, control, end } = bows.find((one) => clear(one, from, to)) ?? bows[0]!;
  const path = `M${start.x} ${start.y}Q${control.x} ${control.y} ${end.x} ${end.y}`;
  return { path, middle: at({ start, control, end }, 0.5) };
}

type Bow = { start: Point; control: Point; end: Point };

function bow(from: State, to: State, bend: number): Bow {
  const a = places[from];
  const b = places[to];
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = Math.hypot(dx, dy);
  const control = rounded({ x: (a.x + b.x) / 2 - (dy / length) * bend, y: (a.y + b.y) / 2 + (dx / length) * bend });
  return { start: border(a, control, 0), control, end: border(b, control, 4) };
}

const at = ({ start, control, end }: Bow, t: number): Point =>
  rounded({
    x: (1 - t) ** 2 * start.x + 2 * t * (1 - t) * control.x + t ** 2 * end.x,
    y: (1 - t) ** 2 * start.y + 2 * t * (1 - t) * control.y + t ** 2 * end.y,
  });

const rounded = ({ x, y }: Point): Point => ({ x: Math.round(x * 10) / 10, y: Math.round(y * 10) / 10 });

/** Whether a bow stays within the drawing and off the states that it does not join. */
function clear(one: Bow, from: State, to: State): boolean {
  const others = Object.entries(places).filter(([state]) => state !== from && state !== to);
  return Array.from({ length: 19 }, (_, step) => at(one, (step + 1) / 20)).every(
    ({ x, y }) =>
      x > 0 &&
      y > 0 &&
      x < canvas.width &&
      y < canvas.height &&
      others.every(
        ([, place]) => Math.abs(place.x - x) > box.width / 2 + 2 || Math.abs(place.y - y) > box.height / 2 + 2,
      ),
  );
}

/** The point on a state's border towards another, some way before it. */
function border(place: Point, towards: Point, gap: number): Point {
  const [dx, dy] = [towards.x - place.x, towards.y - place.y];
  const scale = Math.min(
    1,
    (box.width / 2 + gap) / Math.max(Math.abs(dx), 1e-6),
    (box.height / 2 + gap) / Math.max(Math.abs(dy), 1e-6),
  );
  return rounded({ x: place.x + dx * scale, y: place.y + dy * scale });
}
