import type { Manifest } from './manifest.ts';
import { kubeconfigOf, natsCredentials, natsUrl } from './programs.ts';

/** What kubectl and the nats tool need to reach this lab. */
export function environmentOf(lab: Manifest): Record<string, string> {
  return { KUBECONFIG: kubeconfigOf(lab), NATS_URL: natsUrl(lab), ...natsCredentials(lab) };
}
