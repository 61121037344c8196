/** The real API server cannot be had on this machine; the message says what to install. */
export class KubeUnavailable extends Error {
  override name = 'KubeUnavailable';
}

/** A process of the real API server ended or did not become ready; the message ends with what it last printed. */
export class KubeFailed extends Error {
  override name = 'KubeFailed';
}
