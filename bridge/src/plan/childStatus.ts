import { kinds } from '@ifactor/crds';
import type { InterfaceStatus } from '@ifactor/crds';
import type { KubeObject } from '../kube/object.ts';
import { wantedStatus } from '../status/status.ts';
import { isPlace, placeOf, saidOf } from '../view/relations.ts';
import type { View } from '../view/view.ts';
import { interfaceStatusOf } from './status.ts';

/** Reported status of a plan's child, from the stream, which is ahead of the API; undefined if its agent has reported none yet. */
export function statusOfChild(
  { messages, nodes, serverNow }: Pick<View, 'messages' | 'nodes' | 'serverNow'>,
  child: KubeObject,
  now: number,
): InterfaceStatus | undefined {
  const place = placeOf(child, kinds.WireGuardInterface.token);
  if (!isPlace(place)) return interfaceStatusOf(child);
  const said = saidOf(messages.statuses, child, place);
  return wantedStatus(child, said, nodes.view(place.node, serverNow()), undefined, new Date(now));
}
