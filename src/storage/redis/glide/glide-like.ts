/**
 * What is needed of a client of Valkey GLIDE, a `GlideClient` or a `GlideClusterClient`; no type of GLIDE is part of it.
 *
 * @see https://glide.valkey.io
 */
export interface GlideLike {
  /** Sends a command as it is; a Cluster client finds the node by the command's first key, or by the `route`. */
  customCommand(command: string[], options?: object): Promise<unknown>;
  close(): void;
}

/** Of a client that listens: what GLIDE 2.3 and later has. */
export interface GlideListener extends GlideLike {
  subscribe(channels: Iterable<string>, timeoutMilliseconds: number): Promise<unknown>;
}

/** A message, as GLIDE hands it to whoever listens. */
export interface GlideMessage {
  readonly message: unknown;
}

/** Tells a client of GLIDE. */
export function isGlide(client: object): client is GlideLike {
  return (
    typeof Reflect.get(client, "customCommand") === "function" && typeof Reflect.get(client, "close") === "function"
  );
}

/** Tells a `GlideClusterClient`, which alone subscribes to the channels of a slot. */
export function isGlideCluster(client: object): boolean {
  return "invokeScriptWithRoute" in client || "ssubscribe" in client;
}

/** True once the client was closed. GLIDE keeps that to itself, and still says it. */
export function isClosed(client: GlideLike): boolean {
  return Reflect.get(client, "isClosed") === true;
}

/** What the client was made with, where it shows that. */
export function configurationOf(client: GlideLike): object | undefined {
  const configuration: unknown = Reflect.get(client, "config");
  return typeof configuration === "object" && configuration !== null ? configuration : undefined;
}

/** Tells a client that can listen. */
export function isGlideListener(client: unknown): client is GlideListener {
  if (typeof client !== "object" || client === null || !isGlide(client)) return false;
  return typeof Reflect.get(client, "subscribe") === "function";
}
