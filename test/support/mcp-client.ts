import { createHash } from "node:crypto";
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from "@modelcontextprotocol/client";
import { type OAuthDiscoveryState, UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { z } from "zod";
import { BrowserSession, type LoginOptions } from "./browser-session.ts";

interface ClientMetadata {
  client_name: string;
  redirect_uris: string[];
  grant_types: string[];
  response_types: string[];
  token_endpoint_auth_method?: string;
  scope?: string;
}

interface ClientInformation {
  readonly client_id: string;
  readonly client_secret?: string | undefined;
  readonly issuer?: string | undefined;
}

interface Tokens {
  readonly access_token: string;
  readonly token_type: string;
  readonly refresh_token?: string | undefined;
  readonly scope?: string | undefined;
  readonly issuer?: string | undefined;
}

/** What an application keeps for the MCP SDK's client, in memory: an `OAuthClientProvider` of v1 and of v2. */
export class InMemoryOAuthClient {
  readonly redirectUrl = "http://127.0.0.1:33418/callback";
  clientMetadata: ClientMetadata;
  /** Where the SDK asked to send the user's browser. */
  authorizationUrl: URL | undefined;
  #information: ClientInformation | undefined;
  #tokens: Tokens | undefined;
  /**
   * The code verifiers by their challenges, the newest last. A client whose call and stream are refused at once begins two
   * logins, and its user goes through one of them.
   */
  readonly #codeVerifiers = new Map<string, string>();
  #challengeOfLogin: string | undefined;
  #discoveryState: OAuthDiscoveryState | undefined;

  /**
   * @param authenticationMethod - How the client authenticates at the token endpoint. Not said unless given.
   * @param grantTypes - The grant types that the client registers.
   */
  constructor(
    authenticationMethod?: "none" | "client_secret_basic" | "client_secret_post",
    grantTypes = ["authorization_code", "refresh_token"],
  ) {
    this.clientMetadata = {
      client_name: "Test client",
      redirect_uris: [this.redirectUrl],
      grant_types: grantTypes,
      response_types: ["code"],
      ...(authenticationMethod !== undefined && { token_endpoint_auth_method: authenticationMethod }),
    };
  }

  clientInformation(): ClientInformation | undefined {
    return this.#information;
  }

  saveClientInformation(information: ClientInformation): void {
    this.#information = information;
  }

  tokens(): Tokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: Tokens): void {
    this.#tokens = tokens;
  }

  redirectToAuthorization(authorizationUrl: URL): void {
    this.authorizationUrl = authorizationUrl;
  }

  saveCodeVerifier(codeVerifier: string): void {
    this.#codeVerifiers.set(createHash("sha256").update(codeVerifier).digest("base64url"), codeVerifier);
  }

  codeVerifier(): string {
    const ofLogin = this.#codeVerifiers.get(this.#challengeOfLogin ?? "");
    return ofLogin ?? [...this.#codeVerifiers.values()].at(-1) ?? "";
  }

  /** Takes the login that the SDK asked for, whose code verifier counts from now on. */
  takeAuthorizationUrl(): URL | undefined {
    const { authorizationUrl } = this;
    this.authorizationUrl = undefined;
    this.#challengeOfLogin = authorizationUrl?.searchParams.get("code_challenge") ?? undefined;
    return authorizationUrl;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discoveryState = state;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discoveryState;
  }

  /** Forgets all, and registers these scopes the next time. */
  registerAgain(scope: string): void {
    this.clientMetadata = { ...this.clientMetadata, scope };
    this.invalidateCredentials("all");
  }

  invalidateCredentials(scope: string): void {
    if (scope === "all" || scope === "tokens") this.#tokens = undefined;
    if (scope === "all" || scope === "client") this.#information = undefined;
    if (scope === "all" || scope === "discovery") this.#discoveryState = undefined;
  }
}

/** An unmodified MCP SDK client, of either version, with the few steps that an application takes around it. */
export interface McpClient extends AsyncDisposable {
  readonly oauth: InMemoryOAuthClient;
  /** Connects. Rejects, and sets `oauth.authorizationUrl`, where the user has to log in first. */
  connect(): Promise<void>;
  /** Hands the SDK what the browser brought back to the redirect URI. */
  finishAuth(callback: URL): Promise<void>;
  /** Calls the server's tool `whoami` and gives back its text. */
  whoami(): Promise<string>;
}

/** What every version of the SDK's v1 client has, whatever it connects by. */
interface SdkV1Client {
  callTool(call: { name: string }): Promise<unknown>;
  close(): Promise<void>;
}

/** What every version of the SDK's v1 transport has for an application that sends its user to a login. */
interface SdkV1Transport {
  finishAuth(code: string): Promise<void>;
}

/** A client of any version of `@modelcontextprotocol/sdk` v1. */
export function clientOfSdkV1<Transport extends SdkV1Transport>(
  client: SdkV1Client,
  oauth: InMemoryOAuthClient,
  newTransport: () => Transport,
  connect: (transport: Transport) => Promise<void>,
): McpClient {
  return {
    oauth,
    connect: () => connect(newTransport()),
    finishAuth: (callback) => newTransport().finishAuth(callback.searchParams.get("code") ?? ""),
    whoami: async () => textOf(await client.callTool({ name: "whoami" })),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** The client of `@modelcontextprotocol/sdk` v1. */
export function sdkV1Client(mcpUrl: string, oauth = new InMemoryOAuthClient()): McpClient {
  const client = new ClientV1({ name: "test", version: "1.0.0" });
  const newTransport = () => new TransportV1(new URL(mcpUrl), { authProvider: oauth });
  return clientOfSdkV1(client, oauth, newTransport, (transport) => client.connect(transport));
}

/** The client of `@modelcontextprotocol/client` v2. */
export function sdkV2Client(mcpUrl: string, oauth = new InMemoryOAuthClient()): McpClient {
  const client = new ClientV2({ name: "test", version: "1.0.0" });
  const newTransport = () => new TransportV2(new URL(mcpUrl), { authProvider: oauth });
  return {
    oauth,
    connect: () => client.connect(newTransport()),
    finishAuth: (callback) => newTransport().finishAuth(callback.searchParams),
    whoami: async () => textOf(await client.callTool({ name: "whoami" })),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Connects for the first time: refused, logged in by the browser, redeemed, connected. */
export async function connectWithLogin(client: McpClient, options: LoginOptions = {}): Promise<void> {
  const refusal = await client.connect().then(
    () => undefined,
    (error: unknown) => error,
  );
  const authorizationUrl = client.oauth.takeAuthorizationUrl();
  if (!(refusal instanceof Error) || authorizationUrl === undefined) {
    throw new Error("The server let a stranger in, or the SDK did not ask for a login", { cause: refusal });
  }
  if (refusal.constructor.name !== UnauthorizedError.name) throw refusal;
  const callback = await new BrowserSession().login(authorizationUrl, {
    username: "ada@example.com",
    password: "password",
    ...options,
  });
  await client.finishAuth(callback);
  await client.connect();
}

/** The text of a tool's result. */
function textOf(result: unknown): string {
  const { content } = z.object({ content: z.array(z.object({ text: z.string().optional() })) }).parse(result);
  return content.map(({ text }) => text ?? "").join("");
}
