import { once, setMaxListeners } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { ConfigurationError } from "../errors.ts";
import { type OptionKinds, requireExactText, requireOptions, requireThat } from "../option-checks.ts";
import type { AuthnEmulator } from "./authn/authn-emulator.ts";
import type { AuthnEmulatorOptions, EmulatorOAuthClient, EmulatorUser } from "./authn/options.ts";
import { serveAuthn } from "./authn/serve-authn.ts";
import type { Fault } from "./faults/fault.ts";
import { type FaultInjection, FaultRegistry } from "./faults/fault-registry.ts";
import { type Delay, realDelay } from "./faults/latency.ts";
import { seededRandom } from "./faults/seeded-random.ts";
import { type CallLog, RecordingCallLog } from "./http/call-log.ts";
import { noSuchEndpoint, serverError } from "./http/envelope.ts";
import { Exchange } from "./http/exchange.ts";
import { requestTarget } from "./http/request-target.ts";
import { serviceTokenCheck } from "./http/service-token.ts";
import { randomIdentifier } from "./identifiers.ts";
import { type EmulatedVault, VaultEmulator } from "./vault/vault-emulator.ts";
import { VaultHttp } from "./vault/vault-http.ts";

/** The options of {@link startPangeaEmulator}. */
export interface PangeaEmulatorOptions {
  /** 0 takes a free port. Default: 0. */
  readonly port?: number;
  /** The address to listen on; the emulator is no service for strangers. Default: `127.0.0.1`, the loopback. */
  readonly host?: string;
  /**
   * The service tokens to accept. Default: any of Pangea's form, `pts_` and 1 to 64 characters of `a-z2-7`. Real tokens
   * have 32 characters; other lengths are accepted so that an example can use a readable token.
   */
  readonly tokens?: readonly string[];
  /** The faults to start with. Default: none. */
  readonly faults?: readonly Fault[];
  /** The seed of the generator behind probabilities and latencies. Default: 1. */
  readonly seed?: number;
  /** The time, in milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
  /** Lets latency pass, in milliseconds. Default: a timer. */
  readonly delay?: Delay;
  /** Who can sign in at AuthN. Default: {@link defaultEmulatorUser}. */
  readonly users?: readonly EmulatorUser[];
  /** The OAuth clients of AuthN. Default: {@link defaultEmulatorClient}. */
  readonly oauthClients?: readonly EmulatorOAuthClient[];
  /** How AuthN behaves. `false` starts Vault alone; `oidc-provider` need not be installed then. Default: `{}`. */
  readonly authn?: AuthnSettings | false;
}

const optionKinds: OptionKinds<PangeaEmulatorOptions> = {
  port: "any",
  host: "text",
  tokens: "any",
  faults: "any",
  seed: "any",
  clock: "function",
  delay: "function",
  users: "any",
  oauthClients: "any",
  authn: "any",
};
const authnKinds: OptionKinds<AuthnSettings> = {
  refreshTokens: "boolean",
  refreshTokenRotation: "boolean",
  accessTokenLifetimeSeconds: "any",
  refreshTokenLifetimeSeconds: "any",
  autoLogin: "text",
};

/** How the emulated AuthN behaves. */
export type AuthnSettings = Omit<
  AuthnEmulatorOptions,
  "issuer" | "users" | "clients" | "clock" | "isServiceTokenAccepted"
>;

/** The emulated AuthN, past HTTP: nothing here is counted or subject to faults. */
export type EmulatedAuthn = Pick<AuthnEmulator, "setUser" | "registerClient" | "userId" | "endSessions" | "liveTokens">;

/** A running emulator. */
export interface PangeaEmulator {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** The issuer of AuthN's OAuth server (Pangea's "Hosted Login URL"): the same as {@link PangeaEmulator.url}. */
  readonly issuerUrl: string;
  /** For `new PangeaConfig({ baseUrlTemplate })` of `pangea-node-sdk`: `http://127.0.0.1:PORT/{SERVICE_NAME}`. */
  readonly baseUrlTemplate: string;
  /** What Vault holds. */
  readonly vault: EmulatedVault;
  /**
   * The users, clients and tokens of AuthN.
   *
   * @throws {ConfigurationError} when the emulator was started with `authn: false`.
   */
  readonly authn: EmulatedAuthn;
  /** The calls that were made. */
  readonly calls: CallLog;
  /** What goes wrong. */
  readonly faults: FaultInjection;
  /** Stops listening, cuts every connection, lets go of every gate. Can be called again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts an emulator of Pangea Vault v2 and Pangea AuthN over real HTTP, on the loopback, for development and tests. It
 * keeps everything in memory.
 *
 * @throws {ConfigurationError} when an option is wrong, the port is taken, or `oidc-provider` is not installed and
 * `authn` is not `false`.
 *
 * @example
 * ```ts
 * await using emulator = await startPangeaEmulator();
 * const vault = new VaultService("pts_demo", new PangeaConfig({ baseUrlTemplate: emulator.baseUrlTemplate }));
 * await vault.secretStore({ type: Vault.ItemType.SECRET, name: "greeting", secret: "hello" });
 * emulator.calls.snapshot(); // { "vault/v2/secret/store": 1 }
 * ```
 */
export async function startPangeaEmulator(options: PangeaEmulatorOptions = {}): Promise<PangeaEmulator> {
  checkOptions(options);
  const { port = 0, host = "127.0.0.1", clock = Date.now, delay = realDelay, seed = 1 } = options;
  const closing = new AbortController();
  const { signal } = closing;
  // Every request that waits for a delay or at a gate listens for the end, so many listeners are no leak.
  setMaxListeners(0, signal);
  const calls = new RecordingCallLog();
  const vault = new VaultEmulator(clock);
  const faults = new FaultRegistry(seededRandom(seed), delay, (milliseconds) => vault.keepHistory(milliseconds));
  for (const fault of options.faults ?? []) faults.inject(fault);

  const server = createServer();
  // An idle connection that the server closes just as a client reuses it would look like a fault.
  server.keepAliveTimeout = 0;
  await listen(server, port, host);
  const url = urlOf(server, host);
  const isServiceTokenAccepted = serviceTokenCheck(options.tokens);
  const vaultHttp = new VaultHttp({ vault, isServiceTokenAccepted, url, signal });
  let authn: AuthnEmulator | undefined;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { service, path, endpoint } = requestTarget(request.url ?? "/");
    const call = calls.begin(service, endpoint, retriedRequestIds(request));
    const exchange = new Exchange({ request, response, requestId: randomIdentifier("prq") }, call, clock);
    try {
      if (service === "vault") await vaultHttp.serve(exchange, path, () => faults.plan(service, endpoint));
      else if (authn === undefined) exchange.send(noSuchEndpoint);
      else await serveAuthn(authn, exchange, faults.plan(service, endpoint), signal);
    } catch {
      // The client went away while sending, or the emulator is at fault; either way nothing may bring the process down.
      if (response.headersSent) response.destroy();
      else exchange.send(serverError(500));
    }
  };
  server.on("request", (request, response) => void answer(request, response));

  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    closing.abort();
    faults.clear();
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await stopped;
    await authn?.[Symbol.asyncDispose]();
  };
  const closeOnce = () => {
    closed ??= close();
    return closed;
  };

  if (options.authn !== false) {
    const { users, oauthClients: clients, authn: settings } = options;
    try {
      // Loaded only here, since it needs an optional peer dependency.
      const { createAuthnEmulator } = await import("./authn/authn-emulator.ts");
      authn = await createAuthnEmulator({ ...settings, issuer: url, users, clients, clock, isServiceTokenAccepted });
    } catch (error) {
      await closeOnce();
      throw error;
    }
  }

  return {
    url,
    issuerUrl: url,
    baseUrlTemplate: `${url}/{SERVICE_NAME}`,
    vault,
    get authn() {
      if (authn === undefined) throw new ConfigurationError("AuthN is off: start the emulator without `authn: false`.");
      return authn;
    },
    calls,
    faults,
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

function checkOptions(options: PangeaEmulatorOptions): void {
  requireOptions("startPangeaEmulator", options, optionKinds);
  const { port = 0, seed = 1, authn, tokens, faults, users, oauthClients } = options;
  const isPort = Number.isInteger(port) && port >= 0 && port <= 65_535;
  requireThat(isPort, "port must be a whole number from 0 to 65535, and no string; 0 takes a free port.");
  requireThat(Number.isFinite(seed), "seed must be a number.");
  if (authn !== false) requireOptions("startPangeaEmulator", authn, authnKinds, "authn");
  for (const [name, list] of Object.entries({ tokens, faults, users, oauthClients })) {
    requireThat(list === undefined || Array.isArray(list), `${name} must be a list.`);
  }
  for (const token of tokens ?? []) requireExactText("tokens[]", token);
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  await once(server, "listening").catch((cause: unknown) => {
    const message = `The emulator cannot listen on ${host}, port ${port}. Choose another port, or 0 for a free one.`;
    throw new ConfigurationError(message, { cause });
  });
}

function urlOf(server: Server, host: string): string {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new ConfigurationError("The emulator needs a TCP port.");
  return `http://${isIPv6(host) ? `[${host}]` : host}:${address.port}`;
}

/** The SDK's header on a request that it repeats. */
function retriedRequestIds({ headers }: IncomingMessage): readonly string[] {
  const header = headers["x-pangea-retried-request-ids"];
  return typeof header === "string" ? header.split(",").map((id) => id.trim()) : [];
}
