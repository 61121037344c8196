import type { Manifest } from './manifest.ts';
import { pathsOf } from './paths.ts';

/** What kubectl, the nats tool and a browser need to reach this lab. */
export function environmentOf(lab: Manifest): Record<string, string> {
  const { prefix } = lab.nats;
  return {
    KUBECONFIG: kubeconfigOf(lab),
    NATS_URL: natsUrl(lab),
    ...natsCredentials(lab),
    ...(prefix !== undefined && { IFACTOR_PREFIX: prefix }),
    IFACTOR_UI: uiUrl(lab),
  };
}

export function natsUrl(lab: Manifest, host = '127.0.0.1'): string {
  return `tls://${host}:${lab.nats.port}`;
}

/** What the lab's own programs need to reach NATS, whatever the shell that starts them has. */
export const natsEnvironment = (lab: Manifest): Record<string, string> => ({
  ...natsCredentials(lab),
  IFACTOR_PREFIX: lab.nats.prefix ?? '',
});

function natsCredentials(lab: Manifest): Record<string, string> {
  return {
    NATS_USER: lab.nats.user,
    NATS_PASSWORD: lab.nats.password,
    NATS_CA: pathsOf(lab.dir).natsCertificate,
  };
}

/** The lab's kubeconfig: its own, or the one it was given. */
export function kubeconfigOf(lab: Manifest): string {
  return lab.cluster.kind === 'kubeconfig' ? lab.cluster.path : pathsOf(lab.dir).kubeconfig;
}

/** Where a browser finds the inspector of this lab. */
export const uiUrl = ({ ui }: Manifest): string => `http://127.0.0.1:${ui.port}/?token=${ui.token}`;
