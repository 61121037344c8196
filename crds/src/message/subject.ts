/*
 * The subject grammar, spelled and parsed here only:
 *
 *   ifactor.desired.<node>.<kind>.<namespace>.<name>
 *   ifactor.status.<node>.<kind>.<namespace>.<name>
 *   ifactor.event.<node>.<kind>.<namespace>.<name>.<EventType>
 *
 *   ifactor.agent.<node>[.<action>]     answered by the agent of the node
 *   ifactor.bridge.<node>.<question>    asked by the agent of the node, answered by a bridge
 *
 * A dot in a Kubernetes name becomes `_`, which no Kubernetes name contains.
 */

/** The identity of one declared object; `kind` is the lower-case singular, such as `netlinkinterface`. */
export type Key = { kind: string; namespace: string; name: string };
/** An object on the node that owns it. */
export type Place = Key & { node: string };
/** One kind of event of an object; `type` as in `EventType`. */
export type EventPlace = Place & { type: string };

/** A name that is not valid in a subject, or a subject of another program. */
export class SubjectError extends Error {
  override name = 'SubjectError';
}

const name = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const kind = /^[a-z][a-z0-9]*$/;
const eventType = /^[A-Z][A-Za-z0-9]*$/;

/** Subject of the desired state of an object. @throws SubjectError */
export function formatDesiredSubject(place: Place): string {
  return `ifactor.desired.${format(place)}`;
}

/** Subject of the status of an object. @throws SubjectError */
export function formatStatusSubject(place: Place): string {
  return `ifactor.status.${format(place)}`;
}

/** Subject of one event of an object. @throws SubjectError */
export function formatEventSubject(place: EventPlace): string {
  return `ifactor.event.${format(place)}.${legal('event type', place.type, eventType)}`;
}

/** Parses what `formatDesiredSubject` wrote. @throws SubjectError */
export function parseDesiredSubject(subject: string): Place {
  return parse(subject, 'desired', 4).place;
}

/** Parses what `formatStatusSubject` wrote. @throws SubjectError */
export function parseStatusSubject(subject: string): Place {
  return parse(subject, 'status', 4).place;
}

/** Parses what `formatEventSubject` wrote. @throws SubjectError */
export function parseEventSubject(subject: string): EventPlace {
  const { place, rest } = parse(subject, 'event', 5);
  return { ...place, type: readable(subject, 'event type', rest, eventType) };
}

/** All desired state, of one node or of every one. @throws SubjectError */
export function desiredFilter(node?: string): string {
  return node === undefined ? 'ifactor.desired.>' : `ifactor.desired.${encode('node', node)}.>`;
}

/** All statuses, of one node or of every one. @throws SubjectError */
export function statusFilter(node?: string): string {
  return node === undefined ? 'ifactor.status.>' : `ifactor.status.${encode('node', node)}.>`;
}

/** Events by any part of their subject; an absent part matches everything. @throws SubjectError */
export function eventFilter(selector: Partial<EventPlace> = {}): string {
  const { type } = selector;
  const tokens = [
    selector.node === undefined ? '*' : encode('node', selector.node),
    selector.kind === undefined ? '*' : legal('kind', selector.kind, kind),
    selector.namespace === undefined ? '*' : encode('namespace', selector.namespace),
    selector.name === undefined ? '*' : encode('name', selector.name),
    type === undefined ? '*' : legal('event type', type, eventType),
  ];
  return `ifactor.event.${tokens.join('.')}`;
}

/** Where the agent of a node answers; its actions are below. @throws SubjectError */
export function agentSubject(node: string): string {
  return `ifactor.agent.${encode('node', node)}`;
}

/** Where an agent asks a bridge. @throws SubjectError */
export function questionSubject(node: string, question: string): string {
  return `ifactor.bridge.${encode('node', node)}.${legal('question', question, kind)}`;
}

/** All questions of all agents. */
export const questionFilter = 'ifactor.bridge.*.*';

/** Reads what `questionSubject` wrote. @throws SubjectError */
export function parseQuestionSubject(subject: string): { node: string; question: string } {
  const [root, bridge, node = '', question = '', ...more] = subject.split('.');
  if (root !== 'ifactor' || bridge !== 'bridge' || more.length > 0)
    throw new SubjectError(`${JSON.stringify(subject)} is not a question of an agent`);
  return {
    node: readable(subject, 'node', node.replaceAll('_', '.'), name),
    question: readable(subject, 'question', question, kind),
  };
}

/** Name of a node's consumer, and token of the node in subjects. @throws SubjectError */
export function consumerOf(node: string): string {
  return encode('node', node);
}

function format(place: Place): string {
  return [
    encode('node', place.node),
    legal('kind', place.kind, kind),
    encode('namespace', place.namespace),
    encode('name', place.name),
  ].join('.');
}

function encode(what: string, text: string): string {
  return legal(what, text, name).replaceAll('.', '_');
}

function legal(what: string, text: string, pattern: RegExp): string {
  if (text.length <= 253 && pattern.test(text)) return text;
  throw new SubjectError(
    `${what} ${JSON.stringify(text)} cannot stand in a subject: it is not a legal Kubernetes name`,
  );
}

function parse(subject: string, sort: string, tokens: number): { place: Place; rest: string } {
  const [root, found, node = '', token = '', namespace = '', object = '', rest = '', ...more] = subject.split('.');
  const count = subject.split('.').length - 2;
  if (root !== 'ifactor' || found !== sort || count !== tokens || more.length > 0) {
    throw new SubjectError(
      `${JSON.stringify(subject)} is not a subject of the form ifactor.${sort}.… with ${tokens} tokens after it`,
    );
  }
  const decode = (what: string, text: string): string => readable(subject, what, text.replaceAll('_', '.'), name);
  return {
    place: {
      node: decode('node', node),
      kind: readable(subject, 'kind', token, kind),
      namespace: decode('namespace', namespace),
      name: decode('name', object),
    },
    rest,
  };
}

function readable(subject: string, what: string, text: string, pattern: RegExp): string {
  if (text.length <= 253 && pattern.test(text)) return text;
  throw new SubjectError(`the ${what} in the subject ${JSON.stringify(subject)} is not a legal one`);
}
