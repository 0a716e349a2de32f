import { type FaultPlan, isCommitted } from "../faults/fault-plan.ts";
import type { Exchange } from "../http/exchange.ts";
import { interceptReply } from "../http/reply-interception.ts";
import type { AuthnEmulator } from "./types.ts";

/** Serves AuthN over HTTP, with the faults around it. */
export class AuthnHttp {
  readonly #authn: Pick<AuthnEmulator, "handle">;
  readonly #signal: AbortSignal;

  /** `signal` aborts when the emulator closes. */
  constructor(authn: Pick<AuthnEmulator, "handle">, signal: AbortSignal) {
    this.#authn = authn;
    this.#signal = signal;
  }

  /** Answers one request, to which happens what `plan` says. */
  async serve(exchange: Exchange, { before, after, reply: fault }: FaultPlan): Promise<void> {
    const signal = this.#signal;
    for (const wait of before) await wait(signal);
    if (signal.aborted) return exchange.cut();
    // 202 is Vault's alone, so it is never planned here.
    if (fault?.kind === "accepted") return exchange.cut();
    if (fault !== undefined && !isCommitted(fault)) return exchange.fail(fault);
    if (after.length > 0 || fault !== undefined) {
      interceptReply(exchange.response, async (send) => {
        for (const wait of after) await wait(signal);
        if (signal.aborted) exchange.cut();
        else if (fault === undefined) send();
        else exchange.fail(fault);
      });
    }
    await this.#authn.handle(exchange.request, exchange.response);
  }
}
