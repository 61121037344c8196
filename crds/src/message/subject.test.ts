import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  desiredFilter,
  eventFilter,
  formatDesiredSubject,
  formatEventSubject,
  formatStatusSubject,
  parseDesiredSubject,
  parseEventSubject,
  parseStatusSubject,
  statusFilter,
  SubjectError,
} from './subject.ts';

const alnum = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const character = fc.constantFrom(...alnum);
const inner = fc.array(fc.constantFrom(...alnum, '-'), { maxLength: 12 }).map((all) => all.join(''));
const label = fc.oneof(
  character,
  fc.tuple(character, inner, character).map((parts) => parts.join('')),
);
/** Any DNS-1123 subdomain: what Kubernetes takes as the name of an object or a node. */
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));
const kind = fc.constantFrom('wireguardinterface', 'netlinkinterface');
const place = fc.record({ node: name, kind, namespace: label, name });
const type = fc.constantFrom('SpecChanged', 'LinkCreated', 'DriftObserved');

/** How NATS matches a subject with a filter, written from its documentation. */
function matches(filter: string, subject: string): boolean {
  const wanted = filter.split('.');
  const found = subject.split('.');
  if (wanted.at(-1) === '>')
    return (
      found.length >= wanted.length && wanted.slice(0, -1).every((token, i) => token === '*' || token === found[i])
    );
  return wanted.length === found.length && wanted.every((token, i) => token === '*' || token === found[i]);
}

describe('subjects', () => {
  test('read as the grammar says', () => {
    const at = { node: 'lax1.example.net', kind: 'netlinkinterface', namespace: 'default', name: 'br-0.a' };
    expect(formatDesiredSubject(at)).toBe('ifactor.desired.lax1_example_net.netlinkinterface.default.br-0_a');
    expect(formatStatusSubject(at)).toBe('ifactor.status.lax1_example_net.netlinkinterface.default.br-0_a');
    expect(formatEventSubject({ ...at, type: 'LinkCreated' })).toBe(
      'ifactor.event.lax1_example_net.netlinkinterface.default.br-0_a.LinkCreated',
    );
  });

  test('parse back to the place they were made of, for any legal name', () => {
    fc.assert(
      fc.property(place, type, (at, event) => {
        expect(parseDesiredSubject(formatDesiredSubject(at))).toEqual(at);
        expect(parseStatusSubject(formatStatusSubject(at))).toEqual(at);
        expect(parseEventSubject(formatEventSubject({ ...at, type: event }))).toEqual({ ...at, type: event });
      }),
    );
  });

  test('differ whenever their places differ', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        expect(formatDesiredSubject(a)).not.toBe(formatDesiredSubject(b));
      }),
    );
  });

  test('hold only tokens that NATS takes', () => {
    fc.assert(
      fc.property(place, (at) => {
        const tokens = formatStatusSubject(at).split('.');
        expect(tokens).toHaveLength(6);
        for (const token of tokens) expect(token).toMatch(/^[a-z0-9_-]+$/);
      }),
    );
  });

  test('are refused for names that Kubernetes would not take', () => {
    for (const bad of ['', 'a_b', 'a b', '*', '>', 'A', '.a', 'a.', 'a..b', '-a', 'a-', 'ä', 'a'.repeat(254), 'a\n']) {
      expect(() => formatDesiredSubject({ node: bad, kind: 'netlinkinterface', namespace: 'd', name: 'n' })).toThrow(
        SubjectError,
      );
      expect(() => formatDesiredSubject({ node: 'n', kind: 'netlinkinterface', namespace: 'd', name: bad })).toThrow(
        SubjectError,
      );
      expect(() => eventFilter({ name: bad })).toThrow(SubjectError);
    }
  });

  test('are refused where they are not ours', () => {
    const bad = [
      '',
      'ifactor',
      'ifactor.desired.a.b.c',
      'ifactor.desired.a.b.c.d.e',
      'ifactor.status.a.b.c.d',
      'other.desired.a.b.c.d',
      'ifactor.desired..b.c.d',
      'ifactor.desired.a.b.c.D',
      'ifactor.desired.a.b.c._d',
    ];
    for (const subject of bad) expect(() => parseDesiredSubject(subject)).toThrow(SubjectError);
    expect(() => parseEventSubject('ifactor.event.a.b.c.d.linkCreated')).toThrow(SubjectError);
  });
});

describe('filters', () => {
  test('match what they select and nothing else', () => {
    fc.assert(
      fc.property(place, place, type, (at, other, event) => {
        expect(matches(desiredFilter(at.node), formatDesiredSubject(other))).toBe(at.node === other.node);
        expect(matches(statusFilter(at.node), formatStatusSubject(other))).toBe(at.node === other.node);
        const subject = formatEventSubject({ ...other, type: event });
        expect(matches(eventFilter({ name: at.name }), subject)).toBe(at.name === other.name);
        expect(matches(eventFilter({ namespace: at.namespace, kind: at.kind }), subject)).toBe(
          at.namespace === other.namespace && at.kind === other.kind,
        );
        expect(matches(eventFilter({ type: 'LinkCreated' }), subject)).toBe(event === 'LinkCreated');
      }),
    );
  });

  test('without a selector match everything of their sort', () => {
    fc.assert(
      fc.property(place, type, (at, event) => {
        expect(matches(desiredFilter(), formatDesiredSubject(at))).toBe(true);
        expect(matches(statusFilter(), formatStatusSubject(at))).toBe(true);
        expect(matches(eventFilter(), formatEventSubject({ ...at, type: event }))).toBe(true);
        expect(matches(statusFilter(), formatDesiredSubject(at))).toBe(false);
      }),
    );
  });
});
