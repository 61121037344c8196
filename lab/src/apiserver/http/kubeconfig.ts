/** A kubeconfig for a lab's API server, as JSON, which is YAML. */
export function kubeconfigText({ url, token, authority }: { url: string; token: string; authority: string }): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'ifactor',
    clusters: [
      {
        name: 'ifactor',
        cluster: { server: url, 'certificate-authority-data': Buffer.from(authority).toString('base64') },
      },
    ],
    users: [{ name: 'ifactor', user: { token } }],
    contexts: [{ name: 'ifactor', context: { cluster: 'ifactor', user: 'ifactor' } }],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
