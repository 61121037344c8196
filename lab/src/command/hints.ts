import { environmentOf, uiUrl } from '../cluster/environment.ts';
import type { Manifest } from '../cluster/manifest.ts';
import { quote } from '../host/shell.ts';
import type { UpFlags } from './up.ts';

/** What to type next. */
export function hints(lab: Manifest, flags: Pick<UpFlags, 'dir' | 'detach'>): string {
  const dir = flags.dir === undefined ? '' : ` --dir ${quote(lab.dir)}`;
  const run = `npx ifactor lab`;
  const one = lab.containers[0];
  const lines = [
    `eval "$(${run} env${dir})"`,
    'kubectl apply -f crds/examples/wgp1.yaml',
    'kubectl get wgp,wgi,nl -o wide',
    ...(one
      ? [
          lab.runtime === 'docker'
            ? `docker exec ${one.real} ping -c 3 10.4.0.2`
            : `${run} exec${dir} ${one.name} -- ping -c 3 10.4.0.2`,
        ]
      : []),
    ...('NATS_USER' in environmentOf(lab)
      ? [`nats sub '${lab.nats.prefix === undefined ? '' : `${lab.nats.prefix}.`}ifactor.event.>'`]
      : []),
    `${run} demo${dir}`,
  ];
  const end = flags.detach ? `\n\`${run} down${dir}\` ends it.` : '\nCtrl-C takes it down.';
  return `Inspector: ${uiUrl(lab)}\n${flags.detach ? 'Next' : 'In another terminal'}:\n${lines.map((line) => `  ${line}`).join('\n')}${end}`;
}
