import { createHash } from "node:crypto";
import type { PangeaOAuthProvider } from "../../../src/index.ts";
import { OAuthError, StorageError, UpstreamUnavailableError } from "../../../src/index.ts";
import { type Assertion, type Call, type CallKind, isDefinite, type Login, type Outcome } from "./history.ts";
import { baseUrl, type Instance, redirectUri } from "./instance.ts";
import type { World } from "./world.ts";

/** How a call is made. */
export interface CallOptions {
  /** Who makes it. Default: the client. */
  readonly by?: Call["by"];
  /** The instance that gets it. A caller who comes back after an outage tries the next one. */
  readonly instance?: number;
  /** How often the caller tries before it gives up for now. Default 1. */
  readonly tries?: number;
}

/** Something that a caller wants, and has not been told a definite answer to. */
export interface Wish {
  readonly again: (instance: number) => Promise<Outcome>;
}

/** What a caller shows beside a credential. */
type Proof = Pick<Call, "assertion" | "hasWrongVerifier">;

const verifier = "v".repeat(43);
const challenge = createHash("sha256").update(verifier).digest("base64url");

/** Acts for the people and programs outside: each call is sent when the explorer says so, and goes into the history. */
export class Actor {
  readonly world: World;
  readonly task: number;
  /** What has not come to an end yet. An honest caller does not leave it at that. */
  readonly wishes: Wish[];

  constructor(world: World, task: number, wishes: Wish[]) {
    this.world = world;
    this.task = task;
    this.wishes = wishes;
  }

  redeem(
    login: Login,
    options: CallOptions & { readonly verifier?: string; readonly assertion?: Assertion | undefined } = {},
  ): Promise<Outcome> {
    const { assertion } = options;
    const form = {
      grant_type: "authorization_code",
      code: login.code,
      code_verifier: options.verifier ?? login.verifier,
      redirect_uri: redirectUri,
      ...credentialsOf(login, assertion),
    };
    return this.#call("redeem", [login], login.code, options, (provider) => this.#token(provider, form), {
      assertion: assertion?.id,
      hasWrongVerifier: form.code_verifier !== login.verifier,
    });
  }

  refresh(
    login: Login,
    refreshToken: string,
    options: CallOptions & { readonly scope?: string; readonly assertion?: Assertion | undefined } = {},
  ): Promise<Outcome> {
    const { assertion, scope } = options;
    const form = {
      grant_type: "refresh_token",
      refresh_token: refreshToken,
      ...credentialsOf(login, assertion),
      ...(scope !== undefined && { scope }),
    };
    return this.#call("refresh", [login], refreshToken, options, (provider) => this.#token(provider, form), {
      assertion: assertion?.id,
    });
  }

  /** Revokes a token at the revocation endpoint. */
  revoke(login: Login, token: string, options: CallOptions = {}): Promise<Outcome> {
    return this.#call("revoke", [login], token, options, async (provider) => {
      const response = await post(provider, "/revoke", { client_id: login.clientId, token });
      return response.status === 200 ? { kind: "done" } : refusalOf(response);
    });
  }

  /** Asks for the user's token at Pangea, as a tool does. */
  pangeaToken(login: Login, accessToken: string, options: CallOptions = {}): Promise<Outcome> {
    return this.#call("pangeaToken", [login], accessToken, options, async (provider) => {
      try {
        await provider.pangeaToken({ token: accessToken });
        return { kind: "done" };
      } catch (failure) {
        return failureOf(failure);
      }
    });
  }

  /** Ends the grants of a user or of a client, as an operator does. */
  revokeGrants(
    filter: { readonly subject?: string; readonly clientId?: string },
    options: CallOptions = {},
  ): Promise<Outcome> {
    const logins = this.world.logins.filter(
      ({ subject, clientId }) => (filter.subject ?? subject) === subject && (filter.clientId ?? clientId) === clientId,
    );
    return this.#call(
      "revokeGrants",
      logins,
      JSON.stringify(filter),
      { by: "operator", ...options },
      async (provider) => {
        try {
          await provider.revokeGrants(filter);
          return { kind: "done" };
        } catch (failure) {
          return failureOf(failure);
        }
      },
    );
  }

  /**
   * Comes back to log in once more, with what the browser has kept. The call is done where the person gets through to the
   * client without being asked.
   */
  comeBack(login: Login, options: CallOptions = {}): Promise<Outcome> {
    const { world } = this;
    return this.#call("authorize", [login], "the browser's cookies", options, async (provider) => {
      const visit = (path: string, cookie: string) =>
        provider.fetch(new Request(baseUrl + path, { headers: { cookie } }));
      const begun = await visit(authorizePath(login.clientId), login.cookie);
      const state = stateIn(begun);
      if (state === null) return asked;
      const code = world.upstream.codeFor(`${login.session}again`, login.subject);
      const ended = await visit(
        `/pangea/callback?${new URLSearchParams({ state, code })}`,
        cookiesAfter(login.cookie, begun),
      );
      const answer = new URL(ended.headers.get("location") ?? baseUrl).searchParams;
      if (answer.has("code")) return { kind: "done" };
      return answer.get("error") === "temporarily_unavailable" ? { kind: "unavailable" } : asked;
    });
  }

  /** Makes a call, again where no definite answer comes, and wishes for it still where none has come in the end. */
  async #call(
    kind: CallKind,
    logins: readonly Login[],
    credential: string,
    { by = "client", instance = 0, tries = 1 }: CallOptions,
    work: (provider: PangeaOAuthProvider) => Promise<Outcome>,
    proof: Proof = {},
  ): Promise<Outcome> {
    const once = (at: number): Promise<Outcome> => this.#once({ kind, by, logins, credential, proof }, at, work);
    let outcome = await once(instance);
    for (let tried = 1; tried < tries && !isDefinite(outcome); tried += 1) outcome = await once(instance + tried);
    if (!isDefinite(outcome) && by !== "thief") this.wishes.push({ again: once });
    return outcome;
  }

  async #once(
    {
      kind,
      by,
      logins,
      credential,
      proof,
    }: Pick<Call, "kind" | "by" | "credential"> & { readonly logins: readonly Login[]; readonly proof: Proof },
    at: number,
    work: (provider: PangeaOAuthProvider) => Promise<Outcome>,
  ): Promise<Outcome> {
    const { world, task } = this;
    const instance = world.instance(at);
    const what = `${by} sends ${kind} <${credential}> to instance ${instance.index}`;
    const isHeard = await world.stage.pass({
      kind: "send",
      instance: undefined,
      describe: () => what,
      effect: () => true,
      faults: { "answer lost after its effect": () => false },
    });
    const [begunAt, begunTime] = [world.actions, world.now];
    const answer: Outcome = (await instance.during(work)) ?? { kind: "lost" };
    const outcome: Outcome = isHeard ? answer : { kind: "lost" };
    const call: Call = {
      ...{ kind, by, task, credential, ...proof, begunAt, begunTime, outcome, answer },
      instance: instance.index,
      logins: logins.map(({ name }) => name),
      isCodeUsed: kind === "redeem" && logins.some((login) => world.isCodeUsed(login)),
      endedAt: world.actions,
      endedTime: world.now,
    };
    world.calls.push(call);
    world.tell(task, `${by} hears of ${kind}: ${inWords(outcome)}`);
    return outcome;
  }

  async #token(provider: PangeaOAuthProvider, form: Record<string, string>): Promise<Outcome> {
    const response = await post(provider, "/token", form);
    if (response.status !== 200) return refusalOf(response);
    const body: unknown = await response.json();
    const [accessToken, refreshToken] = [textOf(body, "access_token"), textOf(body, "refresh_token")];
    const scopes = textOf(body, "scope").split(" ");
    const verified = await scopesOf(this.world, accessToken);
    return { kind: "tokens", accessToken, refreshToken, scopes, verified };
  }
}

/** The scopes of an access token as it is now, or undefined where it opens nothing. */
export async function scopesOf(world: World, accessToken: string): Promise<readonly string[] | undefined> {
  try {
    return (await world.probe.provider.verifyAccessToken(accessToken)).scopes;
  } catch (failure) {
    if (failure instanceof OAuthError) return undefined;
    throw failure;
  }
}

const asked: Outcome = { kind: "refused", error: "asked for consent" };

/** The state that the browser takes to Pangea, where it is sent there. */
function stateIn(response: Response): string | null {
  const location = response.headers.get("location");
  return location === null ? null : new URL(location).searchParams.get("state");
}

function credentialsOf(login: Login, assertion: Assertion | undefined): Record<string, string> {
  if (assertion === undefined) return { client_id: login.clientId };
  const client_assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  return { client_id: login.clientId, client_assertion: assertion.jwt, client_assertion_type };
}

function post(provider: PangeaOAuthProvider, path: string, form: Record<string, string>): Promise<Response> {
  return provider.fetch(new Request(baseUrl + path, { method: "POST", body: new URLSearchParams(form) }));
}

async function refusalOf(response: Response): Promise<Outcome> {
  if (response.status === 503) return { kind: "unavailable" };
  return { kind: "refused", error: textOf(await response.json(), "error") };
}

function failureOf(failure: unknown): Outcome {
  if (failure instanceof OAuthError && failure.status !== 503) return { kind: "refused", error: failure.error };
  if (failure instanceof OAuthError) return { kind: "unavailable" };
  if (failure instanceof StorageError || failure instanceof UpstreamUnavailableError) return { kind: "unavailable" };
  throw failure;
}

function textOf(body: unknown, name: string): string {
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
  return typeof value === "string" ? value : "";
}

function inWords(outcome: Outcome): string {
  if (outcome.kind === "tokens")
    return `tokens <${outcome.accessToken}> <${outcome.refreshToken}> for ${outcome.scopes.join(" ")}`;
  return outcome.kind === "refused" ? `refused, ${outcome.error}` : outcome.kind;
}

/** Calls an instance for the first time, with nothing that it knows. */
export async function greet({ provider }: Instance): Promise<void> {
  await post(provider, "/token", { grant_type: "refresh_token", client_id: "editor", refresh_token: "unknown" });
  await provider.pangeaToken({ token: "unknown" }).catch(failureOf);
}

/** Walks a login of a person, from the client's request to the code. What it asks of the instance goes where the stage says. */
export async function logIn(world: World, name: string, clientId: string, subject: string): Promise<void> {
  const { provider } = world.instance(0);
  const visit = (path: string, init: RequestInit = {}) => provider.fetch(new Request(baseUrl + path, init));
  const asked = await visit(authorizePath(clientId));
  const sealed = /name="request" value="([^"]+)"/.exec(await asked.text())?.[1] ?? "";
  const shown = cookiesAfter("", asked);
  const body = new URLSearchParams({ request: sealed, decision: "allow" });
  const allowed = await visit("/consent", { method: "POST", headers: { cookie: shown, origin: baseUrl }, body });
  const state = new URL(allowed.headers.get("location") ?? "").searchParams.get("state") ?? "";
  const session = name;
  const callback = new URLSearchParams({ state, code: world.upstream.codeFor(session, subject) });
  const withLogin = cookiesAfter(shown, allowed);
  const ended = await visit(`/pangea/callback?${callback}`, { headers: { cookie: withLogin } });
  const code = new URL(ended.headers.get("location") ?? "").searchParams.get("code");
  if (code === null) throw new Error(`The login of the flow did not succeed: ${ended.headers.get("location")}`);
  const cookie = cookiesAfter(withLogin, ended);
  world.logins.push({ name, clientId, subject, session, code, verifier, codeIssuedAt: world.now, cookie });
}

/** The path of an authorization request. */
export function authorizePath(clientId: string): string {
  return `/authorize?${new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: "S256",
  })}`;
}

/** The `Cookie` header of a browser that had these cookies and got this response. */
export function cookiesAfter(before: string, response: Response): string {
  const cookies = new Map<string, string>();
  const received = response.headers.getSetCookie().map((line) => line.split(";")[0] ?? "");
  for (const pair of [...before.split("; "), ...received]) {
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    if (value === "") cookies.delete(name);
    else cookies.set(name, value);
  }
  return [...cookies].map((pair) => pair.join("=")).join("; ");
}
