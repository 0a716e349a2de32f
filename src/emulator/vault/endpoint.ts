import type { z } from "zod";
import type { Behaviours } from "../faults/fault-plan.ts";
import type { PangeaReply } from "../http/envelope.ts";
import { jsonEndpoint } from "../http/json-endpoint.ts";
import { isEnabled, type VaultItem } from "./item.ts";
import type { VaultStore } from "./store.ts";

/** What an endpoint works with while it answers one request. */
export interface EndpointContext {
  readonly store: VaultStore;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly behaviours: Behaviours;
}

/** Answers one request, whose body is a text, in one synchronous step. */
export type Endpoint = (body: string, context: EndpointContext) => PangeaReply;

/** An endpoint of Vault. Its requests are checked against a schema first. */
export function endpoint<Request>(
  schema: z.ZodType<Request>,
  handle: (request: Request, context: EndpointContext) => PangeaReply,
): Endpoint {
  return jsonEndpoint(schema, handle);
}

/** Whether reads pretend that the item is gone, because it is disabled and a fault hides those. */
export function isHidden(item: VaultItem, { behaviours, now }: EndpointContext): boolean {
  return behaviours.has("hide-disabled") && item.type === "secret" && !isEnabled(item, now);
}

/** Whether reads show the item's secret. */
export function showsSecrets(item: VaultItem, { behaviours, now }: EndpointContext): boolean {
  return !(behaviours.has("withhold-disabled") && item.type === "secret" && !isEnabled(item, now));
}
