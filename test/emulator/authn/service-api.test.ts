import { AuthNService, PangeaConfig, PangeaErrors } from "pangea-node-sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BrowserSession } from "../../support/browser-session.ts";
import { hasOpenApi, openApiProblems, replySchema } from "./openapi-oracle.ts";
import {
  ada,
  introspect,
  logIn,
  present,
  refresh,
  type ServedAuthn,
  serveAuthn,
  serviceToken,
} from "./served-authn.ts";

let served: ServedAuthn;
let service: AuthNService;

beforeAll(async () => {
  served = await serveAuthn();
  service = serviceWith(serviceToken);
});

afterAll(async () => {
  await served[Symbol.asyncDispose]();
});

function serviceWith(token: string): AuthNService {
  return new AuthNService(token, new PangeaConfig({ baseUrlTemplate: `${served.issuer}/{SERVICE_NAME}` }));
}

async function post(path: string, body: unknown, token = serviceToken): Promise<Response> {
  return await fetch(`${served.issuer}/authn${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** The codes and sources of the validation errors that the SDK reports. */
async function refusal(call: Promise<unknown>): Promise<string[]> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PangeaErrors.ValidationError)) throw error ?? new Error("The call was not refused");
  return error.errors.map(({ code, source }) => `${code} ${source}`);
}

describe("client/token/check", () => {
  test("tells whose token it is and how long it lives", async () => {
    const tokens = await logIn(served);

    const { result } = await service.client.clientToken.check(tokens.access_token);

    expect(result).toMatchObject({
      id: expect.stringMatching(/^pmt_[a-z2-7]{32}$/),
      type: "user",
      enabled: true,
      identity: served.authn.userId(ada.username),
      email: "ada@example.com",
      profile: { first_name: "Ada", last_name: "Lovelace" },
      scopes: ["user"],
      client_id: served.client.client_id,
    });
    expect(result.life).toBeGreaterThan(172_700);
  });

  test("refuses a token that is unknown", async () => {
    expect(await refusal(service.client.clientToken.check(`ptu_${"a".repeat(32)}`))).toStrictEqual([
      "DoesNotExist /token",
    ]);
  });

  test("refuses a refresh token", async () => {
    const tokens = await logIn(served);

    const check = service.client.clientToken.check(present(tokens.refresh_token));

    expect(await refusal(check)).toStrictEqual(["DoesNotExist /token"]);
  });

  test("refuses what has not the form of a token", async () => {
    expect(await refusal(service.client.clientToken.check("ptu_short"))).toStrictEqual(["DoesNotMatchPattern /token"]);
  });
});

describe("client/session/logout", () => {
  test("ends the tokens of the session and the browser's login", async () => {
    const browser = new BrowserSession();
    const tokens = await logIn(served, { browser });

    await service.client.session.logout(tokens.access_token);

    expect((await introspect(served, tokens.access_token)).active).toBe(false);
    await expect(refresh(served, present(tokens.refresh_token))).rejects.toMatchObject({ error: "invalid_grant" });
    await expect(logIn(served, { browser, login: {} })).rejects.toMatchObject({ page: { status: 400 } });
  });

  test("leaves the user's other sessions alone", async () => {
    const here = await logIn(served);
    const there = await logIn(served);

    await service.client.session.logout(here.access_token);

    expect((await introspect(served, there.access_token)).active).toBe(true);
  });
});

describe("session/logout", () => {
  test("ends all sessions of a user", async () => {
    const here = await logIn(served);
    const there = await logIn(served);

    await service.session.logout(served.authn.userId(ada.username));

    expect((await introspect(served, here.access_token)).active).toBe(false);
    expect((await introspect(served, there.access_token)).active).toBe(false);
  });

  test("refuses a user who is unknown", async () => {
    expect(await refusal(service.session.logout("pui_unknown"))).toStrictEqual(["DoesNotExist /user_id"]);
  });
});

describe("client/session/refresh", () => {
  test("gives new tokens that the OAuth server honours, and ends the ones presented", async () => {
    const tokens = await logIn(served, { parameters: { scope: "user reports", resource: "https://mcp.example/" } });

    const { result } = await service.client.session.refresh(present(tokens.refresh_token), {
      user_token: tokens.access_token,
    });

    const active = present(result.active_token).token;
    expect(await introspect(served, active)).toMatchObject({
      active: true,
      scope: "user reports",
      username: ada.username,
      aud: "https://mcp.example/",
    });
    expect((await introspect(served, tokens.access_token)).active).toBe(false);
    expect((await refresh(served, result.refresh_token.token)).access_token).toMatch(/^ptu_/);
  });

  test("ends the session when a refresh token comes back", async () => {
    const tokens = await logIn(served);
    const spent = present(tokens.refresh_token);
    const { result } = await service.client.session.refresh(spent, {});

    expect(await refusal(service.client.session.refresh(spent, {}))).toStrictEqual(["DoesNotExist /refresh_token"]);
    expect((await introspect(served, present(result.active_token).token)).active).toBe(false);
  });
});

test("a service token that is not accepted gets Pangea's Unauthorized", async () => {
  const call = serviceWith("pts_other").client.clientToken.check(`ptu_${"a".repeat(32)}`);

  await expect(call).rejects.toThrow(PangeaErrors.UnauthorizedError);
});

test.each([
  ["no JSON", "{", 400, "ValidationError"],
  ["an unknown property", { token: `ptu_${"a".repeat(32)}`, more: 1 }, 400, "ValidationError"],
  ["no token", {}, 400, "ValidationError"],
  ["more than the emulator reads", " ".repeat(2 ** 21), 400, "ValidationError"],
])("a request with %s gets an envelope that says so", async (_case, body, httpStatus, status) => {
  const response = await post("/v2/client/token/check", body);

  expect(response.status).toBe(httpStatus);
  expect(await response.json()).toMatchObject({ status });
});

test("an endpoint that the emulator has not got is NotFound", async () => {
  expect(await (await post("/v2/user/list", {})).json()).toMatchObject({ status: "NotFound" });
});

test("a GET is refused", async () => {
  expect((await fetch(`${served.issuer}/authn/v2/client/token/check`)).status).toBe(405);
});

test("a reply carries its request id as a header too", async () => {
  const response = await post("/v2/client/token/check", {});

  const { request_id: requestId } = JSON.parse(await response.text());
  expect(requestId).toMatch(/^prq_[a-z2-7]{32}$/);
  expect(response.headers.get("x-request-id")).toBe(requestId);
});

describe.skipIf(!hasOpenApi)("replies satisfy Pangea's schemas", () => {
  test("client/token/check", async () => {
    const { access_token: token } = await logIn(served);

    const reply = await (await post("/v2/client/token/check", { token })).json();

    expect(openApiProblems(replySchema("/v2/client/token/check", 200), reply)).toStrictEqual([]);
  });

  test("client/session/refresh", async () => {
    const { refresh_token } = await logIn(served);

    const reply = await (await post("/v2/client/session/refresh", { refresh_token })).json();

    expect(openApiProblems(replySchema("/v2/client/session/refresh", 200), reply)).toStrictEqual([]);
  });

  test("client/session/logout", async () => {
    const { access_token: token } = await logIn(served);

    const reply = await (await post("/v2/client/session/logout", { token })).json();

    expect(openApiProblems(replySchema("/v2/client/session/logout", 200), reply)).toStrictEqual([]);
  });

  test("the schema itself would object to another reply", async () => {
    expect(openApiProblems(replySchema("/v2/client/token/check", 200), { status: "Success" })).not.toStrictEqual([]);
  });
});
