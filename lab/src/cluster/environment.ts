import { namesFor } from '@ifactor/common/nats';
import { inboxPrefixOf } from '@ifactor/crds';
import type { Role } from '@ifactor/crds';
import type { Manifest } from './manifest.ts';
import { pathsOf } from './paths.ts';

/** What kubectl, the nats tool and a browser need to reach this lab. */
export function environmentOf(lab: Manifest): Record<string, string> {
  const { prefix } = lab.nats;
  return {
    KUBECONFIG: kubeconfigOf(lab),
    NATS_URL: natsUrl(lab),
    ...natsCredentials(lab, { role: 'operator' }),
    ...(prefix !== undefined && { IFACTOR_PREFIX: prefix }),
    IFACTOR_UI: uiUrl(lab),
  };
}

export function natsUrl(lab: Manifest, host = '127.0.0.1'): string {
  return `tls://${host}:${lab.nats.port}`;
}

/** What the lab's own programs need to reach NATS in a role, whatever the shell that starts them has. */
export const natsEnvironment = (lab: Manifest, who: Role): Record<string, string> => ({
  ...natsCredentials(lab, who),
  IFACTOR_PREFIX: lab.nats.prefix ?? '',
});

function natsCredentials(lab: Manifest, who: Role): Record<string, string> {
  const user = userOf(who);
  return {
    NATS_USER: user,
    NATS_PASSWORD: lab.nats.users[user] ?? '',
    NATS_CA: pathsOf(lab.dir).natsCertificate,
    NATS_INBOX_PREFIX: namesFor(lab.nats.prefix).subject(inboxPrefixOf(who)),
  };
}

/** The roles that a lab with these nodes has. */
export function rolesOf(nodes: readonly { name: string }[]): Role[] {
  return [
    { role: 'operator' },
    { role: 'bridge' },
    { role: 'page' },
    ...nodes.map(({ name }) => ({ role: 'node', node: name }) as const),
  ];
}

/** A role's name among the users of NATS. */
export const userOf = (who: Role): string => (who.role === 'node' ? `node/${who.node}` : who.role);

/** The lab's kubeconfig: its own, or the one it was given. */
export function kubeconfigOf(lab: Manifest): string {
  return lab.cluster.kind === 'kubeconfig' ? lab.cluster.path : pathsOf(lab.dir).kubeconfig;
}

/** Where a browser finds the inspector of this lab. */
export const uiUrl = ({ ui }: Manifest): string => `http://127.0.0.1:${ui.port}/?token=${ui.token}`;
