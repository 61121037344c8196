import type { Key } from '@ifactor/crds';

const shortNames: Readonly<Record<string, string>> = { wireguardinterface: 'wgi', netlinkinterface: 'nl' };

/** What a person would type next about an actor, with what it is for. Names are Kubernetes', so nothing needs quotes. */
export function commandsFor(
  { kind, namespace, name }: Key,
  node: string,
  at: string | null,
): { words: string; text: string }[] {
  const short = shortNames[kind] ?? kind;
  const until = at === null ? '' : ` --until ${at}`;
  return [
    { words: 'What Kubernetes says of it', text: `kubectl describe ${short} -n ${namespace} ${name}` },
    { words: 'Its declaration and status', text: `kubectl get ${short} -n ${namespace} ${name} -o yaml` },
    { words: 'Its events', text: `ifactor events ${short}/${namespace}/${name}${until}` },
    { words: 'From the last apply to the kernel calls', text: `ifactor trace ${short}/${namespace}/${name}` },
    {
      words: 'Its state, folded again from the log',
      text: `ifactor replay ${short}/${namespace}/${name}${at === null ? '' : ` --at ${at}`}`,
    },
    {
      words: 'Live, on its way',
      text: `nats sub 'ifactor.event.${token(node)}.${kind}.${token(namespace)}.${token(name)}.>'`,
    },
  ];
}

/** A dot in a name is an underscore in a subject. */
const token = (name: string): string => name.replaceAll('.', '_');
