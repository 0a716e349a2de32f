import type { OAuthError } from "../../errors.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { authorizationResponse } from "../login/login.ts";
import { UnknownClientError } from "../login/unknown-client.ts";
import { describeFailure } from "../reporting/failure-description.ts";
import { isToldElsewhere, type RequestRoute } from "../reporting/reporter.ts";
import type { Answer } from "./answer.ts";
import type { VisitingBrowser } from "./cookies.ts";
import { loadPages } from "./pages/load-pages.ts";
import { redirectAnswer } from "./responses.ts";

/** Where an answer goes, and the `state` that goes with it. */
type Destination = Parameters<typeof authorizationResponse>[1];

/** What a browser gets where a login cannot go on: a page for the person, or a redirect to the client. */
export class ErrorAnswers {
  readonly #configuration: Pick<ProviderConfiguration, "consent" | "issuer" | "reporter">;

  constructor(configuration: Pick<ProviderConfiguration, "consent" | "issuer" | "reporter">) {
    this.#configuration = configuration;
  }

  /** Shows the person an answer that nobody has to be told of. */
  async show(error: OAuthError): Promise<Answer> {
    const { errorPage } = await loadPages();
    return errorPage(this.#configuration.consent, error);
  }

  /** Shows a failure to the person, where there is no place that may be told of it. */
  async showFailure(route: RequestRoute, failure: unknown): Promise<Answer> {
    const error = this.#report(route, failure);
    const { errorPage, unknownClientPage } = await loadPages();
    if (failure instanceof UnknownClientError) return unknownClientPage(this.#configuration.consent, failure);
    return errorPage(this.#configuration.consent, error);
  }

  /** Shows a failure to the person, with a link by which they may tell the client. */
  async showLink(route: RequestRoute, to: Destination, failure: unknown): Promise<Answer> {
    const error = this.#report(route, failure);
    const { errorPage } = await loadPages();
    return errorPage(this.#configuration.consent, error, this.#response(to, error));
  }

  /** Sends the browser to the client with a failure (RFC 6749 section 4.1.2.1). */
  sendFailure(route: RequestRoute, browser: VisitingBrowser, to: Destination, failure: unknown): Answer {
    return this.send(browser, to, this.#report(route, failure));
  }

  /** Sends the browser to the client with an answer that nobody has to be told of. */
  send({ method }: VisitingBrowser, to: Destination, error: OAuthError): Answer {
    return redirectAnswer(method, this.#response(to, error));
  }

  /** Tells of a failure at the event's own name, where this server is not at fault. Gives back the answer. */
  #report(route: RequestRoute, cause: unknown): OAuthError {
    const { reporter } = this.#configuration;
    if (route !== "consent" && route !== "callback") return reporter.refusal(route, cause);
    const error = reporter.failure(cause);
    if (isToldElsewhere(error)) return error;
    const event = { error: error.error, failure: describeFailure(cause) };
    if (route === "consent") reporter.tell("consent-failed", event);
    else reporter.tell("login-failed", { ...event, clientId: undefined });
    return error;
  }

  #response(to: Destination, { error, message }: OAuthError): URL {
    return authorizationResponse(this.#configuration.issuer, to, { error, error_description: message });
  }
}
