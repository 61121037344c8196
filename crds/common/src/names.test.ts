import { describe, expect, test } from 'vitest';
import {
  checkedPrefix,
  knownNodesStream,
  knownNodeSubject,
  namesFor,
  nodesStream,
  nodeSubject,
  streams,
} from './names.ts';

const names = [...Object.values(streams), nodesStream, knownNodesStream];
const subject = 'ifactor.event.lax1.netlinkinterface.default.br0.LinkCreated';

describe('names in NATS', () => {
  test('without a prefix are those of the pages', () => {
    const { stream, subject: physical, logical, agentService, nodesBucket: bucket } = namesFor(undefined);
    expect(names.map(stream)).toEqual([
      'IFACTOR_DESIRED',
      'IFACTOR_EVENTS',
      'IFACTOR_STATUS',
      'KV_ifactor_nodes',
      'KV_ifactor_known_nodes',
    ]);
    expect([bucket, agentService]).toEqual(['ifactor_nodes', 'ifactor-agent']);
    for (const one of [subject, nodeSubject('lax1')]) expect([physical(one), logical(one)]).toEqual([one, one]);
  });

  test('with one are apart from all others', () => {
    const [east, west] = [namesFor('east'), namesFor('west')];
    expect(names.map(east.stream)).toEqual([
      'east_IFACTOR_DESIRED',
      'east_IFACTOR_EVENTS',
      'east_IFACTOR_STATUS',
      'KV_east_ifactor_nodes',
      'KV_east_ifactor_known_nodes',
    ]);
    expect([east.nodesBucket, east.agentService]).toEqual(['east_ifactor_nodes', 'east-ifactor-agent']);
    expect(east.subject(subject)).toBe(`east.${subject}`);
    expect(east.logical(east.subject(subject))).toBe(subject);
    expect(east.knownNodesBucket).toBe('east_ifactor_known_nodes');
    expect(east.subject(knownNodeSubject('lax1'))).toBe('$KV.east_ifactor_known_nodes.lax1');
    expect(east.subject(nodeSubject('lax1'))).toBe('$KV.east_ifactor_nodes.lax1');
    expect(east.logical(east.subject(nodeSubject('lax1')))).toBe(nodeSubject('lax1'));
    expect(west.logical(east.subject(nodeSubject('lax1')))).toBe('$KV.east_ifactor_nodes.lax1');
    // A name with another prefix is not ours.
    expect(west.logical(east.subject(subject))).toBe(`east.${subject}`);
    expect(east.subject('>')).toBe('>');
  });

  test('begin with one token of a subject', () => {
    for (const good of ['a', 'east', 'dc-1', '1']) expect(checkedPrefix(good)).toBe(good);
    for (const bad of ['', 'a.b', 'a_b', 'A', '-a', 'a-', 'a b', '*', '$JS', 'a'.repeat(33)])
      expect(() => checkedPrefix(bad)).toThrow('cannot begin names');
  });
});
