import { member, part, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { badRequest } from '../status.ts';

export type Test = (object: Json) => boolean;

/** A `labelSelector` or the like: every term must hold. @throws ApiRefusal on a malformed term */
export function labelTest(selector: string): Test {
  const terms = selector
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== '')
    .map(labelTerm);
  return (object) => terms.every((term) => term(part(part(object, 'metadata'), 'labels')));
}

function labelTerm(term: string): (labels: Json) => boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set) {
    const [, key = '', operator, values = ''] = set;
    const wanted = values.split(',').map((value) => value.trim());
    return (labels) =>
      (member(labels, key) !== undefined && wanted.includes(text(labels, key))) === (operator === 'in');
  }
  const equal = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(term);
  if (equal) {
    const [, key = '', operator, value = ''] = equal;
    return (labels) => (member(labels, key) === value) === (operator !== '!=');
  }
  if (/^!\S+$/.test(term)) return (labels) => member(labels, term.slice(1)) === undefined;
  if (/^[^\s()]+$/.test(term)) return (labels) => member(labels, term) !== undefined;
  throw badRequest(`unable to parse label selector term "${term}"`);
}

/** A `fieldSelector`: equality on those paths that the kind can be selected by. @throws ApiRefusal on another */
export function fieldTest(selector: string, selectable: readonly string[]): Test {
  const terms = selector
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const [, path = '', operator, value = ''] = /^([^=!]+)(==|=|!=)(.*)$/.exec(term) ?? [];
      if (path === '') throw badRequest(`invalid field selector "${term}"`);
      if (!selectable.includes(path)) throw badRequest(`field label not supported: ${path}`);
      const keys = path.split('.');
      return (object: Json): boolean => {
        const found = member(object, ...keys);
        const told = typeof found === 'string' ? found : (JSON.stringify(found) ?? '');
        return (told === value) === (operator !== '!=');
      };
    });
  return (object) => terms.every((term) => term(object));
}
