import type { IncomingMessage, ServerResponse } from "node:http";
import type { InteractionResults, Provider } from "oidc-provider";
import { readBody } from "../http/request-body.ts";
import { type LoginPage, renderErrorPage, renderLoginPage } from "./pages.ts";
import type { AuthnParts } from "./parts.ts";
import { sendPage } from "./replies.ts";
import { oauthRoutes } from "./routes.ts";
import type { KnownUser } from "./user-directory.ts";

/** What the login page works with. */
export interface LoginParts extends Pick<AuthnParts, "users" | "clients"> {
  readonly provider: Provider;
  readonly autoLogin: string | undefined;
  readonly hint: LoginPage["hint"];
}

/** Shows the login form and takes its answer. The browser's cookie says which authorization request it belongs to. */
export async function answerLogin(
  { provider, users, clients, autoLogin, hint }: LoginParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const interaction = await provider.interactionDetails(request, response).catch((error: unknown) => {
    if (!(error instanceof Error) || error.name !== "SessionNotFound") throw error;
    return undefined;
  });
  if (interaction === undefined) {
    return sendPage(response, 400, renderErrorPage("invalid_request", "This login has ended or expired."));
  }
  const { uid, params, prompt } = interaction;

  const finish = (result: InteractionResults) =>
    provider.interactionFinished(request, response, result, { mergeWithLastSubmission: result.consent !== undefined });
  const refuse = (reason: string) => finish({ error: "access_denied", error_description: reason });
  const signIn = ({ id, deny }: KnownUser) =>
    deny ? refuse("The user may not use this application.") : finish({ login: { accountId: id } });
  const showForm = (status: number, tried?: Pick<LoginPage, "username" | "problem">) => {
    const page = renderLoginPage({
      action: `${oauthRoutes.login}/${uid}`,
      clientName: clients.find(String(params.client_id))?.clientName ?? "the application",
      username: typeof params.login_hint === "string" ? params.login_hint : undefined,
      hint,
      ...tried,
    });
    sendPage(response, status, page);
  };

  if (request.method !== "POST") {
    // A request with prompt=consent. Pangea's answer to that is yes.
    if (prompt.name !== "login") return finish({ consent: {} });
    return autoLogin === undefined ? showForm(200) : signIn(users.require(autoLogin));
  }
  const form = new URLSearchParams(await readBody(request));
  if (form.get("action") === "cancel") return refuse("The user cancelled the login.");
  const username = form.get("username") ?? "";
  const user = users.authenticate(username, form.get("password") ?? "");
  return user === undefined ? showForm(400, { username, problem: "Wrong username or password." }) : signIn(user);
}
