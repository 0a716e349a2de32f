import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import express from "express";
import { Redis } from "ioredis";
import {
  createInMemoryRepositories,
  PangeaOAuthProvider,
  type PangeaOAuthProviderOptions,
  type ProviderRepositories,
} from "../../src/index.ts";
import { pangeaAuth, requireBearer } from "../../src/integrations/express.ts";
import { createRedisRepositories, redisOptions } from "../../src/redis.ts";
import { createVaultRepositories } from "../../src/vault.ts";
import { freePort } from "../support/free-port.ts";
import { ClientHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import type { RedisServer } from "../support/redis-server.ts";
import type { UsedEmulator } from "../support/use-emulator.ts";
import { type Mistake, type Readings, textOf } from "./mistake.ts";

/** What the mistakes are made with. */
export interface Surroundings {
  /** An emulator whose client has one redirect URI and one scope. */
  readonly emulator: UsedEmulator;
  /** A Redis with the password "right". */
  readonly redis: () => RedisServer;
}

/** The base URL whose redirect URI is registered. */
export const registeredBaseUrl = "http://localhost:8000";
const inProduction = "https://mcp.example.org";
const noPage = "(no page: the login does not get that far)";
const noAnswer = "(nothing: nobody comes back to it)";
const clientRedirectUri = "http://127.0.0.1:4999/callback";

interface Scene {
  readonly provider: PangeaOAuthProvider;
  readonly harness: ClientHarness<PangeaOAuthProvider>;
  readonly lines: string[];
}

export function mistakesIn({ emulator, redis }: Surroundings): readonly Mistake[] {
  /** A provider whose log is kept. */
  function scene(options: Partial<PangeaOAuthProviderOptions> = {}): Scene {
    const lines: string[] = [];
    const tell = (text: unknown): void => void lines.push(String(text));
    const logger = { debug: () => {}, info: tell, warn: tell, error: tell };
    const settings = { ...providerOptions(emulator.issuerUrl), mcpBaseUrl: registeredBaseUrl, logger, ...options };
    const provider = new PangeaOAuthProvider(settings);
    return { provider, lines, harness: new ClientHarness(provider, String(settings.mcpBaseUrl)) };
  }

  async function readings(
    { provider, lines }: Scene,
    person: string,
    client: string,
    others: Partial<Readings> = {},
  ): Promise<Readings> {
    const { findings } = await provider.check();
    return { person, client, operator: lines, findings, ...others };
  }

  /** Goes to the upstream as a browser does, and reads what is there. */
  async function atUpstream(made: Scene): Promise<Readings> {
    const { client_id } = await made.harness.register();
    const { location } = await made.harness.beginLogin({ client_id, code_challenge: pkce().challenge });
    const page = await fetch(location, { redirect: "manual" }).then(
      async (response) => `(at Pangea) ${textOf(await response.text())}`,
      () => "(the browser's own page: the address does not answer)",
    );
    return readings(made, page, noAnswer);
  }

  /** Logs in as far as it goes, and reads what the client gets. */
  async function atCallback(made: Scene): Promise<Readings> {
    const { client_id } = await made.harness.register();
    const { location, cookie } = await made.harness.beginLogin({ client_id, code_challenge: pkce().challenge });
    const url = await made.harness.logInUpstream(location);
    const answer = await made.harness.finishLogin(url, cookie);
    return readings(made, "(the application's own page)", errorOf(answer));
  }

  /** Registers a client at a store that does not work. */
  async function atRegistration(repositories: ProviderRepositories): Promise<Readings> {
    const made = scene({ repositories });
    const registration = await made.harness.postJson("/register", { redirect_uris: [clientRedirectUri] });
    const authorize = made.harness.authorizePath({ client_id: "a client", code_challenge: pkce().challenge });
    const page = textOf(await (await made.harness.get(authorize)).text());
    return readings(made, page, await statusAndText(registration));
  }

  async function inRedis(url: string): Promise<Readings> {
    const client = new Redis(url, redisOptions());
    client.on("error", () => {});
    try {
      return await atRegistration(createRedisRepositories(client, { timeout: 500 }));
    } finally {
      client.disconnect();
    }
  }

  return [
    {
      name: "Wrong issuer",
      remedy: /doctor/,
      check: "upstream-issuer",
      make: async () => atUpstream(scene({ pangeaAuthnIssuerUrl: `http://127.0.0.1:${await freePort()}` })),
    },
    {
      name: "Issuer under another host name",
      remedy: /configure the one that it names/,
      check: "upstream-issuer",
      make: () => atCallback(scene({ pangeaAuthnIssuerUrl: emulator.issuerUrl.replace("127.0.0.1", "localhost") })),
    },
    {
      name: "Wrong client secret",
      remedy: /Check pangeaAuthnClientId and pangeaAuthnClientSecret/,
      check: "upstream-client",
      make: () => atCallback(scene({ pangeaAuthnClientSecret: "pck_wrongwrongwrongwrongwrongwrongwron" })),
    },
    {
      name: "Wrong client id",
      remedy: /doctor/,
      check: "upstream-client",
      make: () => atUpstream(scene({ pangeaAuthnClientId: "psa_wrongwrongwrongwrongwrongwrongwron" })),
    },
    {
      name: "Redirect URI not registered at Pangea",
      remedy: /register that redirect URI there/,
      check: "redirect-uri",
      make: () => atUpstream(scene({ mcpBaseUrl: "http://localhost:8001" })),
    },
    {
      name: "Scope missing at Pangea",
      remedy: /Give the OAuth client of pangeaAuthnClientId the scopes user admin/,
      check: "upstream-scopes",
      make: () => atCallback(scene({ pangeaAuthnScopes: ["user", "admin"] })),
    },
    {
      name: "Vault token refused",
      remedy: /token/i,
      check: "store",
      make: () => {
        const { baseUrlTemplate } = emulator;
        return atRegistration(createVaultRepositories("pts_wrongwrongwrongwrongwrongwrongwron", { baseUrlTemplate }));
      },
    },
    {
      name: "Redis down",
      remedy: /Redis cannot be reached/,
      check: "store",
      make: () => inRedis("redis://127.0.0.1:1"),
    },
    {
      name: "Redis password wrong",
      remedy: /check the client's settings/,
      check: "store",
      make: () => inRedis(redis().url.replace("redis://", "redis://:wrong@")),
    },
    {
      name: "Routes not mounted",
      remedy: /Mount the routes/,
      check: "public-url",
      make: () =>
        served({}, async (made, baseUrl) => {
          const app = express();
          app.all("/mcp", requireBearer(made.provider));
          return serving(baseUrl, app, async () => {
            const refusal = await fetch(`${baseUrl}/mcp`, { method: "POST" });
            const metadata = /resource_metadata="([^"]+)"/.exec(refusal.headers.get("www-authenticate") ?? "")?.[1];
            const answer = await fetch(metadata ?? "");
            return readings(made, noPage, `${refusal.status}, and ${answer.status} where it is pointed to`);
          });
        }),
    },
    {
      name: "Body parser first, and nothing left of the body",
      remedy: /Mount pangeaAuth\(provider\) before it/,
      make: () =>
        served({}, async (made, baseUrl) => {
          const app = express();
          app.use((request, _, next) => void request.resume().once("end", () => next()));
          app.use(pangeaAuth(made.provider));
          return serving(baseUrl, app, async () => {
            const body = new URLSearchParams({
              grant_type: "authorization_code",
              code: "a code",
              client_id: "a client",
            });
            return readings(
              made,
              noPage,
              await statusAndText(await fetch(`${baseUrl}/token`, { method: "POST", body })),
              {
                findings: [],
              },
            );
          });
        }),
    },
    {
      name: "Mounted under a prefix that a proxy strips",
      remedy: /removedPrefix: "\/prefix"/,
      check: "endpoints",
      make: () =>
        served({}, async (_, origin) => {
          const made = scene({ mcpBaseUrl: `${origin}/prefix` });
          const app = express();
          // As a proxy in front of it does.
          app.use((request, _response, next) => {
            request.url = request.url.replace(/^\/prefix(?=\/)/, "");
            request.originalUrl = request.url;
            next();
          });
          app.use(pangeaAuth(made.provider));
          app.all("/mcp", requireBearer(made.provider));
          return serving(origin, app, async () => {
            await fetch(`${origin}/prefix/mcp`, { method: "POST" });
            const answer = await fetch(`${origin}/prefix/register`, { method: "POST" });
            return readings(made, noPage, `${answer.status} at every endpoint`);
          });
        }),
    },
    {
      name: "Clocks off",
      remedy: /Set it by NTP/,
      check: "upstream-clock",
      make: async () => {
        const client = new Redis(redis().url.replace("redis://", "redis://:right@"), redisOptions());
        const clock = (): number => Date.now() + 600_000;
        const fast = scene({ repositories: createRedisRepositories(client, { clock }), clock });
        const slow = scene({ repositories: createRedisRepositories(client) });
        try {
          const { client_id } = await slow.harness.register();
          const { challenge, verifier } = pkce();
          const logIn = async ({ harness }: Scene): Promise<string> => {
            const { location, cookie } = await harness.beginLogin({ client_id, code_challenge: challenge });
            const answer = await harness.finishLogin(await harness.logInUpstream(location), cookie);
            return answer.searchParams.get("code") ?? "";
          };
          await logIn(fast);
          const form = {
            grant_type: "authorization_code",
            client_id,
            code: await logIn(slow),
            code_verifier: verifier,
          };
          const answer = await fast.harness.postForm("/token", { ...form, redirect_uri: clientRedirectUri });
          return await readings(fast, "(the application's own page)", await statusAndText(answer));
        } finally {
          client.disconnect();
        }
      },
    },
    {
      name: "Instances with different secrets",
      remedy: /Give every instance of one server the same secrets/,
      check: "secrets",
      make: async () => {
        const repositories = createInMemoryRepositories();
        const one = scene({ repositories, secret: "the secret of one instance, long enough" });
        const other = scene({ repositories, secret: "the secret of the other one, long enough" });
        const { client_id } = await one.harness.register();
        const { location, cookie } = await one.harness.beginLogin({ client_id, code_challenge: pkce().challenge });
        const callback = await one.harness.logInUpstream(location);
        const page = await other.provider.fetch(new Request(callback, { headers: { cookie } }));
        return readings(other, textOf(await page.text()), noAnswer);
      },
    },
    {
      name: "Several instances in memory",
      remedy: /Give the option repositories/,
      check: "store-in-memory",
      make: async () => {
        const settings = { mcpBaseUrl: inProduction, pangeaAuthnIssuerUrl: "https://login.example" };
        const [one, other] = [scene(settings), scene(settings)];
        const { client_id } = await one.harness.register();
        const path = other.harness.authorizePath({ client_id, code_challenge: pkce().challenge });
        const page = textOf(await (await other.harness.get(path)).text());
        const body = { grant_type: "refresh_token", client_id, refresh_token: "a token of the other instance" };
        const answer = await other.harness.postForm("/token", body);
        return readings(other, page, await statusAndText(answer));
      },
    },
    {
      name: "http in production",
      remedy: /mcpBaseUrl must use https/,
      make: async () => {
        try {
          scene({ mcpBaseUrl: "http://mcp.example.org" });
          return { person: "", client: "", operator: [] };
        } catch (failure) {
          const message = failure instanceof Error ? `${failure.name}: ${failure.message}` : "";
          return { person: noPage, client: "(nothing: the server does not start)", operator: [message] };
        }
      },
    },
  ];

  /** Runs with a provider whose base URL is that of a server which is about to listen. */
  async function served(
    options: Partial<PangeaOAuthProviderOptions>,
    run: (made: Scene, baseUrl: string) => Promise<Readings>,
  ): Promise<Readings> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    server.close();
    await once(server, "close");
    const baseUrl = `http://127.0.0.1:${port}`;
    return run(scene({ mcpBaseUrl: baseUrl, ...options }), baseUrl);
  }
}

/** Serves while something is read. */
async function serving(baseUrl: string, listener: RequestListener, read: () => Promise<Readings>): Promise<Readings> {
  const server = createServer(listener).listen(Number(new URL(baseUrl).port), "127.0.0.1");
  await once(server, "listening");
  try {
    return await read();
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function errorOf(answer: URL): string {
  const { error, error_description: description } = Object.fromEntries(answer.searchParams);
  return `${error}: ${description}`;
}

async function statusAndText(response: Response): Promise<string> {
  return `${response.status} ${await response.text()}`;
}
