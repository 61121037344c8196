import { expect, test } from 'vitest';
import type { Link, Netns, NetnsChange } from '../kernel/index.ts';
import { createMarkIndex } from './markIndex.ts';

/** A netns as far as it is asked here; counts how often it is. */
class Place {
  asked = 0;
  readonly #links = new Map<number, Link>();
  #listener: (change: NetnsChange) => void = () => {};

  links(): Iterable<Link> {
    this.asked++;
    return this.#links.values();
  }

  linkAt(index: number): Link | undefined {
    this.asked++;
    return this.#links.get(index);
  }

  subscribe(listener: (change: NetnsChange) => void): () => void {
    this.#listener = listener;
    return () => (this.#listener = () => {});
  }

  set(index: number, alias: string | null, kind = 'bridge'): void {
    this.#links.set(index, { index, name: `l${index}`, kind, alias } as Link);
    this.#listener({ type: 'link', index, name: `l${index}` });
  }

  remove(index: number): void {
    this.#links.delete(index);
    this.#listener({ type: 'linkRemoved', index, name: `l${index}` });
  }

  get netns(): Netns {
    return this as unknown as Netns;
  }
}

const mark = 'ifactor:default/netlinkinterface/br1';

test('a mark among a thousand namespaces is found without asking any of them', () => {
  const index = createMarkIndex();
  const places = Array.from({ length: 1000 }, () => new Place());
  for (const [at, place] of places.entries()) {
    place.set(2, `ifactor:default/netlinkinterface/other${at}`);
    index.join(place.netns);
  }
  places[700]!.set(3, mark);
  for (const place of places) place.asked = 0;
  expect([...index.places(mark)]).toEqual([places[700]]);
  expect([...index.places('ifactor:default/netlinkinterface/none')]).toEqual([]);
  expect(places.reduce((sum, { asked }) => sum + asked, 0)).toBe(0);
});

test('it follows links that come, change their alias, and go; loopback and hardware bear no mark', () => {
  const index = createMarkIndex();
  const [one, two] = [new Place(), new Place()];
  one.set(2, mark);
  index.join(one.netns);
  index.join(two.netns);
  two.set(5, mark);
  two.set(6, mark);
  expect([...index.places(mark)]).toEqual([one, two]);
  two.set(5, 'uplink');
  two.remove(6);
  one.set(1, mark, '');
  expect([...index.places(mark)]).toEqual([one]);
  one.set(2, null);
  expect(index.size).toBe(0);
  one.set(2, mark);
  index.leave(one.netns);
  expect(index.size).toBe(0);
  one.set(3, mark);
  expect(index.size).toBe(0);
});
