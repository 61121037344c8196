import type { Manifest } from './manifest.ts';
import { kubeconfigOf, natsCredentials, natsUrl, uiUrl } from './programs.ts';

/** What kubectl, the nats tool and a browser need to reach this lab. */
export function environmentOf(lab: Manifest): Record<string, string> {
  return { KUBECONFIG: kubeconfigOf(lab), NATS_URL: natsUrl(lab), ...natsCredentials(lab), IFACTOR_UI: uiUrl(lab) };
}
