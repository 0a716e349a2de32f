import type { IncomingMessage, ServerResponse } from "node:http";
import type { Provider } from "oidc-provider";
import { readBody } from "../http/request-body.ts";
import type { ClientRegistry } from "./emulated-clients.ts";
import { type LoginPage, renderErrorPage, renderLoginPage } from "./pages.ts";
import { sendPage } from "./replies.ts";
import { oauthRoutes } from "./routes.ts";
import type { KnownUser, UserDirectory } from "./user-directory.ts";

/** What the login page works with. */
export interface LoginParts {
  readonly provider: Provider;
  readonly users: UserDirectory;
  readonly clients: ClientRegistry;
  readonly autoLogin: string | undefined;
  readonly hint: LoginPage["hint"];
}

type Interaction = Awaited<ReturnType<Provider["interactionDetails"]>>;

/** Shows the login form and takes its answer. The browser's cookie says which authorization request it belongs to. */
export async function answerLogin(
  parts: LoginParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let interaction: Interaction;
  try {
    interaction = await parts.provider.interactionDetails(request, response);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "SessionNotFound") throw error;
    sendPage(response, 400, renderErrorPage("invalid_request", "This login has ended or expired."));
    return;
  }

  if (request.method === "POST") {
    await takeAnswer(parts, interaction, request, response);
  } else if (interaction.prompt.name !== "login") {
    // A request with prompt=consent. Pangea's answer to that is yes.
    await parts.provider.interactionFinished(request, response, { consent: {} });
  } else if (parts.autoLogin !== undefined) {
    await signIn(parts.provider, parts.users.require(parts.autoLogin), request, response);
  } else {
    showForm(parts, interaction, response, 200, {});
  }
}

async function takeAnswer(
  parts: LoginParts,
  interaction: Interaction,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const form = new URLSearchParams(await readBody(request));
  if (form.get("action") === "cancel") {
    await parts.provider.interactionFinished(request, response, {
      error: "access_denied",
      error_description: "The user cancelled the login.",
    });
    return;
  }
  const username = form.get("username") ?? "";
  const user = parts.users.authenticate(username, form.get("password") ?? "");
  if (user === undefined) {
    showForm(parts, interaction, response, 400, { username, problem: "Wrong username or password." });
    return;
  }
  await signIn(parts.provider, user, request, response);
}

async function signIn(
  provider: Provider,
  user: KnownUser,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await provider.interactionFinished(
    request,
    response,
    user.deny
      ? { error: "access_denied", error_description: "The user may not use this application." }
      : { login: { accountId: user.id } },
    { mergeWithLastSubmission: false },
  );
}

function showForm(
  parts: LoginParts,
  interaction: Interaction,
  response: ServerResponse,
  status: number,
  tried: Pick<LoginPage, "username" | "problem">,
): void {
  const { client_id: clientId, login_hint: loginHint } = interaction.params;
  const client = typeof clientId === "string" ? parts.clients.find(clientId) : undefined;
  const page = renderLoginPage({
    action: `${oauthRoutes.login}/${interaction.uid}`,
    clientName: client?.clientName ?? "the application",
    ...(typeof loginHint === "string" ? { username: loginHint } : {}),
    ...(parts.hint === undefined ? {} : { hint: parts.hint }),
    ...tried,
  });
  sendPage(response, status, page);
}
