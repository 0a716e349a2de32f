import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import type { IssuedCode, ProviderHarness } from "../../support/provider-harness.ts";
import type { Habit, HabitScene } from "./habit.ts";
import { issue, pull, register } from "./registering.ts";

const basic = (id: string, secret: string) => ({ authorization: `Basic ${btoa(`${id}:${secret}`)}` });

/** The form of a public client that redeems a code. */
const formOf = ({ clientId, code, verifier }: IssuedCode): Record<string, string> => ({
  grant_type: "authorization_code",
  client_id: clientId,
  code,
  code_verifier: verifier,
});

/** Redeems a code of a public client, with more in the form and in the headers; then refreshes in the same way. */
const publicClient =
  (more: Record<string, string>, headers: (clientId: string) => Record<string, string> = () => ({})): Habit["run"] =>
  async ({ harness }) => {
    const issued = await harness.codeFor((await harness.register()).client_id);
    const shown = headers(issued.clientId);
    const redeemed = await harness.postForm("/token", { ...formOf(issued), ...more }, shown);
    const { refresh_token, access_token } = await jsonOf(redeemed);
    expect(await harness.mcpStatus(access_token)).toBe(200);
    const form = { grant_type: "refresh_token", client_id: issued.clientId, refresh_token, ...more };
    expect((await harness.postForm("/token", form, shown)).status).toBe(200);
  };

/** Registers a client with a secret, and gets it a code. */
async function confidential(scene: HabitScene, token_endpoint_auth_method = "client_secret_basic") {
  const { harness } = scene;
  const grant_types = ["authorization_code", "refresh_token"];
  const metadata = { redirect_uris: [harness.redirectUri], token_endpoint_auth_method, grant_types };
  const { client_id, client_secret = "" } = await register(scene, metadata);
  return { issued: await harness.codeFor(client_id), client_secret };
}

function postPairs(harness: ProviderHarness, pairs: readonly (readonly [string, string])[]) {
  const body = new URLSearchParams(pairs.map(([name, value]) => [name, value]));
  return harness.provider.fetch(new Request(`${harness.baseUrl}/token`, { method: "POST", body }));
}

/** A secret that is another one once it is form-decoded. */
const odd = { client_id: "odd", client_secret: "a+b/c%41=0123456789012345678901234567" };

/** How clients say at the token endpoint who they are, and what else they send there. */
export const credentialHabits: readonly Habit[] = [
  {
    client: "The Rust SDK, with which Amazon Q, Goose and Codex are made",
    habit: "sends its client_id twice, once from each of two libraries",
    source: pull("modelcontextprotocol/rust-sdk", 322),
    run: async ({ harness }) => {
      const issued = await harness.codeFor((await harness.register()).client_id);
      const twice = [...Object.entries(formOf(issued)), ["client_id", issued.clientId] as const];
      expect((await postPairs(harness, twice)).status).toBe(200);
      const other = [...Object.entries(formOf(issued)), ["client_id", "other"] as const];
      expect((await jsonOf(await postPairs(harness, other))).error).toBe("invalid_request");
    },
  },
  {
    client: "LiteLLM",
    habit: "puts id and secret into the Basic header as they are, without encoding them",
    source: pull("BerriAI/litellm", 31_635),
    options: { clients: [{ ...odd, redirect_uris: ["http://127.0.0.1:4999/callback"] }] },
    run: async ({ harness }) => {
      for (const secret of [odd.client_secret, encodeURIComponent(odd.client_secret)]) {
        const { client_id: _, ...form } = formOf(await harness.codeFor(odd.client_id));
        expect((await harness.postForm("/token", form, basic(odd.client_id, secret))).status, secret).toBe(200);
      }
      const { client_id: _, ...form } = formOf(await harness.codeFor(odd.client_id));
      const wrong = basic(odd.client_id, "a b/cA=0123456789012345678901234567x");
      expect((await harness.postForm("/token", form, wrong)).status).toBe(401);
    },
  },
  {
    client: "LiteLLM",
    habit: "writes None for the secret that it does not have",
    source: pull("BerriAI/litellm", 23_701),
    run: publicClient({ client_secret: "None" }),
  },
  {
    client: "Nango",
    habit: "sends an empty client_secret when it refreshes",
    source: issue("NangoHQ/nango", 6919),
    run: publicClient({ client_secret: "" }),
  },
  {
    client: "Dust",
    habit: "shows a secret that was configured by mistake, though the client is public",
    source: pull("dust-tt/dust", 21_931),
    run: publicClient({ client_secret: "configured-by-mistake" }),
  },
  {
    client: "proxies in front of MCP servers",
    habit: "show a secret of theirs in the header for every client, public ones too",
    source: issue("Softeria/ms-365-mcp-server", 288),
    run: publicClient({}, (clientId) => basic(clientId, "of-the-proxy")),
  },
  {
    client: "clients that always send a Basic header",
    habit: "send one in which nothing is set",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1",
    run: async (scene) => {
      for (const [id, secret] of [
        ["undefined", "undefined"],
        ["null", "null"],
        ["", ""],
      ] as const) {
        await publicClient({}, () => basic(id, secret))(scene);
      }
      await publicClient({}, (clientId) => basic(clientId, "undefined"))(scene);
    },
  },
  {
    client: "ChatGPT",
    habit: "signs an assertion at a server that takes it for a public client",
    source: "https://www.rfc-editor.org/rfc/rfc7521#section-4.2",
    run: async (scene) => {
      const { client_id } = await scene.harness.register();
      const payload = Buffer.from(JSON.stringify({ sub: client_id })).toString("base64url");
      const issued = await scene.harness.codeFor(client_id);
      const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
      const shown = { client_assertion_type: type, client_assertion: `e30.${payload}.AAAA` };
      expect((await scene.harness.postForm("/token", { ...formOf(issued), ...shown })).status).toBe(200);
    },
  },
  {
    client: "LibreChat",
    habit: "refreshes with the Basic header and nothing of the client in the form",
    source: issue("danny-avila/LibreChat", 9705),
    run: async (scene) => {
      const { issued, client_secret } = await confidential(scene);
      const header = basic(issued.clientId, client_secret);
      const { client_id: _, ...form } = formOf(issued);
      const { refresh_token } = await jsonOf(await scene.harness.postForm("/token", form, header));
      const again = { grant_type: "refresh_token", refresh_token };
      expect((await scene.harness.postForm("/token", again, header)).status).toBe(200);
    },
  },
  {
    client: "LibreChat",
    habit: "registers one way of showing its secret and uses the other",
    source: pull("danny-avila/LibreChat", 12_045),
    run: async (scene) => {
      const byPost = await confidential(scene, "client_secret_post");
      const { client_id: _, ...form } = formOf(byPost.issued);
      const header = basic(byPost.issued.clientId, byPost.client_secret);
      expect((await scene.harness.postForm("/token", form, header)).status).toBe(200);
      const { issued, client_secret } = await confidential(scene, "client_secret_basic");
      expect((await scene.harness.postForm("/token", { ...formOf(issued), client_secret })).status).toBe(200);
    },
  },
  {
    client: "mcpc",
    habit: "drops its secret before the first refresh: refused, for anybody could do that, and the login stays",
    source: issue("apify/mcpc", 387),
    run: async (scene) => {
      const { issued, client_secret } = await confidential(scene);
      const redeemed = await scene.harness.postForm("/token", { ...formOf(issued), client_secret });
      const tokens = { clientId: issued.clientId, ...(await jsonOf(redeemed)) };
      const refused = await scene.harness.refresh(tokens);
      expect([refused.status, (await jsonOf(refused)).error]).toEqual([401, "invalid_client"]);
      expect((await scene.harness.refresh(tokens, { client_secret })).status).toBe(200);
    },
  },
  {
    client: "any",
    habit: "repeats at the token endpoint what it said elsewhere",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-3.2",
    run: publicClient({ scope: "user openid", state: "s", response_type: "code", audience: "x", nonce: "n" }),
  },
  {
    client: "Sentry's Junior",
    habit: "asks for a grant by an assertion: told which grants there are, and not that it is unknown",
    source: pull("getsentry/junior", 1767),
    run: async ({ harness }) => {
      const { client_id } = await harness.register({ redirect_uris: ["http://localhost"], grant_types: undefined });
      const form = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", client_id, assertion: "a.b.c" };
      const answer = await harness.postForm("/token", form);
      expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "unsupported_grant_type"]);
    },
  },
  {
    client: "Claude",
    habit: "begins a login where a refresh token is dead, if the answer is invalid_grant and nothing else",
    source: pull("FlowFuse/flowfuse", 8547),
    run: async ({ harness }) => {
      const { clientId, refresh_token } = await harness.tokens();
      for (const dead of ["never-issued", `${refresh_token}\n`, refresh_token.slice(0, -1)]) {
        const answer = await harness.refresh({ clientId, refresh_token: dead });
        expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
      }
    },
  },
  {
    client: "any",
    habit: "revokes with a hint that nobody knows, and a secret that it does not have",
    source: "https://www.rfc-editor.org/rfc/rfc7009#section-2.1",
    run: async ({ harness }) => {
      const { clientId, access_token } = await harness.tokens();
      const form = { token: access_token, client_id: clientId, token_type_hint: "bearer", client_secret: "x" };
      expect((await harness.postForm("/revoke", form)).status).toBe(200);
      expect(await harness.mcpStatus(access_token)).toBe(401);
    },
  },
];
