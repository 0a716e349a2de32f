import { isVaultEndpoint } from "../endpoint-names.ts";
import { type Behaviours, type FaultPlan, isCommitted } from "../faults/fault-plan.ts";
import { AcceptedRequests } from "../http/accepted-requests.ts";
import { invalid, methodNotAllowed, noSuchEndpoint, type PangeaReply, unauthorized } from "../http/envelope.ts";
import type { Exchange } from "../http/exchange.ts";
import { BODY_MAXIMUM_BYTES, readBody } from "../http/request-body.ts";
import type { VaultService } from "./emulated-vault.ts";

/** What the HTTP face of the emulated Vault needs. */
export interface VaultHttpOptions {
  readonly vault: VaultService;
  readonly isServiceTokenAccepted: (authorization: string | undefined) => boolean;
  /** The URL before `/vault`, to send a client to. */
  readonly url: string;
  /** Aborts when the emulator closes. */
  readonly signal: AbortSignal;
}

const POLL = "vault/request/";

/** Serves Vault over HTTP: reads the request, lets the faults have their way, answers. */
export class VaultHttp {
  readonly #options: VaultHttpOptions;
  readonly #accepted = new AcceptedRequests();

  constructor(options: VaultHttpOptions) {
    this.#options = options;
  }

  /** Answers one request to a path, given without its leading slash. `plan` is asked once the request is here in full. */
  async serve(exchange: Exchange, path: string, plan: () => FaultPlan): Promise<void> {
    const { signal } = this.#options;
    const body = await readBody(exchange.request);
    const { before, after, behaviours, reply: fault } = plan();
    for (const wait of before) await wait(signal);
    if (signal.aborted) return exchange.cut();
    if (fault !== undefined && fault.kind !== "accepted" && !isCommitted(fault)) return exchange.fail(fault);

    const outcome = this.#answer(exchange, path, body, behaviours);

    for (const wait of after) await wait(signal);
    if (signal.aborted) return exchange.cut();
    if (fault !== undefined && fault.kind !== "accepted") return exchange.fail(fault);
    const { reply, original = exchange } = outcome;
    if (fault === undefined || reply.status !== "Success") return exchange.send(reply, {}, original);
    const { requestId, requestTime } = exchange;
    exchange.send(this.#accepted.accept(requestId, reply, requestTime, fault.polls ?? 0, this.#location(requestId)));
  }

  #answer({ request }: Exchange, path: string, body: string | undefined, behaviours: Behaviours): Outcome {
    const { vault, isServiceTokenAccepted } = this.#options;
    if (!isServiceTokenAccepted(request.headers.authorization)) return { reply: unauthorized() };
    if (body === undefined) return { reply: tooBig() };
    if (path.startsWith(POLL)) return this.#poll(request.method, path.slice(POLL.length));
    if (!isVaultEndpoint(path)) return { reply: noSuchEndpoint() };
    if (request.method !== "POST") return { reply: methodNotAllowed() };
    return { reply: vault.answer(path, body, behaviours) };
  }

  #poll(method: string | undefined, requestId: string): Outcome {
    if (method !== "GET") return { reply: methodNotAllowed() };
    const polled = this.#accepted.poll(requestId, this.#location(requestId));
    if (polled === undefined) return { reply: noSuchEndpoint() };
    return { reply: polled.reply, original: { requestId, requestTime: polled.requestTime } };
  }

  #location(requestId: string): string {
    return `${this.#options.url}/${POLL}${requestId}`;
  }
}

interface Outcome {
  readonly reply: PangeaReply;
  /** The request that this is the reply to, where it is another than the one at hand. */
  readonly original?: { readonly requestId: string; readonly requestTime: number };
}

function tooBig(): PangeaReply {
  const detail = `A request body has at most ${BODY_MAXIMUM_BYTES} bytes.`;
  return { ...invalid("IsTooBig", "", detail), httpStatus: 413 };
}
