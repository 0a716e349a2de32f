import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ProviderEvents } from "../../src/index.ts";

/** Listens to one kind of event from now on; `stop` ends that and gives back what was told. */
export function heard(name: keyof ProviderEvents): { stop(): readonly unknown[] } {
  const told: unknown[] = [];
  const listen = (event: unknown) => void told.push(event);
  subscribe(`pangea-authn-fastmcp:${name}`, listen);
  return {
    stop() {
      unsubscribe(`pangea-authn-fastmcp:${name}`, listen);
      return told;
    },
  };
}
