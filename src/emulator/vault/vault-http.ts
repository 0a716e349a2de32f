import { isVaultEndpoint } from "../endpoint-names.ts";
import type { Behaviours, FaultPlan } from "../faults/fault-plan.ts";
import { strike } from "../faults/strike.ts";
import { invalid, methodNotAllowed, noSuchEndpoint, unauthorized } from "../http/envelope.ts";
import type { Exchange } from "../http/exchange.ts";
import { bodyMaximumBytes, readBody } from "../http/request-body.ts";
import type { ServiceTokenCheck } from "../http/service-token.ts";
import { type AcceptedReply, AcceptedRequests } from "./accepted-requests.ts";
import type { VaultEmulator } from "./vault-emulator.ts";

/** What the HTTP face of the emulated Vault needs. */
export interface VaultHttpOptions {
  readonly vault: VaultEmulator;
  readonly isServiceTokenAccepted: ServiceTokenCheck;
  /** The URL before `/vault`, to send a client to. */
  readonly url: string;
  /** Aborts when the emulator closes. */
  readonly signal: AbortSignal;
}

const pollPath = "vault/request/";
const bodyTooBig = {
  ...invalid("IsTooBig", "", `A request body has at most ${bodyMaximumBytes} bytes.`),
  httpStatus: 413,
};

/** Serves Vault over HTTP: reads the request, lets the faults have their way, answers. */
export class VaultHttp {
  readonly #options: VaultHttpOptions;
  readonly #accepted: AcceptedRequests;

  constructor(options: VaultHttpOptions) {
    this.#options = options;
    this.#accepted = new AcceptedRequests(`${options.url}/${pollPath}`);
  }

  /** Answers one request to a path, given without its leading slash. `plan` is asked once the request is here in full. */
  async serve(exchange: Exchange, path: string, plan: () => FaultPlan): Promise<void> {
    const { signal } = this.#options;
    const body = await readBody(exchange.request);
    const { before, after, behaviours, accepted } = plan();
    if (await strike(exchange, before, signal)) return;
    const { reply, answered = exchange } = this.#answer(exchange, path, body, behaviours);
    if (await strike(exchange, after, signal)) return;
    if (accepted === undefined || reply.status !== "Success") exchange.send(reply, {}, answered);
    else exchange.send(this.#accepted.accept(reply, exchange, accepted.polls ?? 0));
  }

  #answer(
    { request: { headers, method } }: Exchange,
    path: string,
    body: string | undefined,
    behaviours: Behaviours,
  ): Pick<AcceptedReply, "reply"> & Partial<AcceptedReply> {
    const { vault, isServiceTokenAccepted } = this.#options;
    const isPoll = path.startsWith(pollPath);
    if (!isServiceTokenAccepted(headers.authorization)) return { reply: unauthorized };
    if (body === undefined) return { reply: bodyTooBig };
    if (!isPoll && !isVaultEndpoint(path)) return { reply: noSuchEndpoint };
    if (method !== (isPoll ? "GET" : "POST")) return { reply: methodNotAllowed };
    if (isVaultEndpoint(path)) return { reply: vault.answer(path, body, behaviours) };
    return this.#accepted.poll(path.slice(pollPath.length)) ?? { reply: noSuchEndpoint };
  }
}
