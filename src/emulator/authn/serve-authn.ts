import type { FaultPlan } from "../faults/fault-plan.ts";
import { strike } from "../faults/strike.ts";
import type { Exchange } from "../http/exchange.ts";
import { interceptReply } from "../http/reply-interception.ts";
import type { AuthnEmulator } from "./authn-emulator.ts";

/** Answers one request to AuthN, to which happens what the plan says. `signal` aborts when the emulator closes. */
export async function serveAuthn(
  authn: Pick<AuthnEmulator, "handle">,
  exchange: Exchange,
  { before, after }: FaultPlan,
  signal: AbortSignal,
): Promise<void> {
  if (await strike(exchange, before, signal)) return;
  if (after.waits.length > 0 || after.ending !== undefined) {
    interceptReply(exchange.response, async (send) => {
      if (!(await strike(exchange, after, signal))) send();
    });
  }
  await authn.handle(exchange.request, exchange.response);
}
