import { registerHooks } from "node:module";

/** Imports `@cloudflare/workers-oauth-provider` into Node.js, which does not have the module of Cloudflare's that it names. */
export async function importWorkersOAuthProvider(): Promise<typeof import("@cloudflare/workers-oauth-provider")> {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "cloudflare:workers"
        ? { url: "data:text/javascript,export class WorkerEntrypoint {}", shortCircuit: true }
        : next(specifier, context),
  });
  return import("@cloudflare/workers-oauth-provider");
}

/** What a worker's `fetch` and helpers are given: a Map in place of Workers KV, and nothing to wait for. */
export function workerEnvironment() {
  const context = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
  return { env: { OAUTH_KV: new MapNamespace() }, context };
}

/** Workers KV in a Map: what the provider calls of it. */
class MapNamespace {
  readonly #values = new Map<string, string>();

  async get(key: string, options?: { readonly type?: string }): Promise<unknown> {
    const value = this.#values.get(key);
    return value === undefined ? null : options?.type === "json" ? JSON.parse(value) : value;
  }

  async put(key: string, value: string): Promise<void> {
    this.#values.set(key, value);
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key);
  }

  async list({ prefix = "" } = {}) {
    const keys = [...this.#values.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name }));
    return { keys, list_complete: true };
  }
}
