import type { KubeObject, Metadata } from './object.ts';
import type { Resource } from './resource.ts';

/** One object of a resource. `namespace` is left out for a resource without namespaces. */
export type ObjectTarget = { namespace?: string | undefined; name: string };

/** A page of a list over all namespaces. `next` asks for the following page; the last page has none. */
export type ListPage = { items: KubeObject[]; resourceVersion: string; next: string | undefined };

export type WatchEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: KubeObject };

export type WatchOptions = {
  resourceVersion: string;
  /** When the server ends the watch. */
  timeoutSeconds: number;
  signal: AbortSignal;
};

/** An object that the API server does not have yet. */
export type NewObject = { metadata: Partial<Metadata> & { name: string }; [field: string]: unknown };

export type WriteOptions = { fieldManager?: string; signal?: AbortSignal };

/**
 * The part of Kubernetes that the bridge uses. Each call fails with an ApiError if the server refuses, a
 * MalformedAnswerError if its response lacks the requested content, and an Error with a cause if it cannot be reached.
 */
export type KubeApi = {
  /** One page of all objects of a resource, in all namespaces; `from` is the `next` of the page before. */
  list(resource: Resource, page: { limit: number; from?: string | undefined; signal?: AbortSignal }): Promise<ListPage>;
  /** Changes after `resourceVersion`, until the server ends the watch; `opened` is called when it begins. */
  watch(resource: Resource, options: WatchOptions, opened: () => void): AsyncIterable<WatchEvent>;
  /**
   * @returns undefined only if the server responds that it has the resource but no object of this name. Any other 404
   * (no such resource, a proxy) is an ApiError.
   */
  get(resource: Resource, target: ObjectTarget, signal?: AbortSignal): Promise<KubeObject | undefined>;
  /** @throws ApiError 409 where the name is in use */
  create(resource: Resource, object: NewObject, options?: WriteOptions): Promise<KubeObject>;
  /** Writes a whole object. @throws ApiError 409 where `metadata.resourceVersion` is not the newest */
  replace(resource: Resource, object: NewObject, options?: WriteOptions): Promise<KubeObject>;
  /**
   * JSON merge patch.
   * @throws ApiError 409 where `metadata.resourceVersion` in it is not the newest; 409 or 422 where `metadata.uid` differs
   */
  merge(resource: Resource, target: ObjectTarget, change: object, options?: WriteOptions): Promise<KubeObject>;
  /**
   * Writes a whole status, of the object of this very uid: fields left out are removed.
   * @throws ApiError 404 where there is no object of the name; 409 or 422 where it has another uid
   */
  writeStatus(
    resource: Resource,
    target: ObjectTarget & { uid: string },
    status: unknown,
    options: WriteOptions,
  ): Promise<KubeObject>;
  /** Deletes the object of this very uid. @throws ApiError 404 or 409 where there is no such object */
  delete(resource: Resource, target: ObjectTarget & { uid: string }): Promise<void>;
};

/** The write methods, which only a leader may call. */
export const writes = ['create', 'replace', 'merge', 'writeStatus', 'delete'] as const;
