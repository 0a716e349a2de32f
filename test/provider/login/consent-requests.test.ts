import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConsentRequests } from "../../../src/provider/login/consent-requests.ts";
import { SealedJson } from "../../../src/secrets/sealed-json.ts";
import { checkedRequest as request } from "../../support/authorization-request.ts";
import { configured } from "../../support/configured.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const stale = expect.objectContaining({ error: "invalid_request" });

describe("a request that waits in a page", () => {
  it("is open for half an hour", () => {
    const clock = new ManualClock();
    const requests = new ConsentRequests(configured({}, clock));
    const sealed = requests.seal(request, "secret");
    clock.advanceSeconds(1799);
    expect(requests.open(sealed, ["secret"])).toEqual({ request, wishes: {} });
    clock.advanceSeconds(1);
    expect(() => requests.open(sealed, ["secret"])).toThrow(stale);
  });

  it("is open to the browser that was asked, whichever of its secrets that was", () => {
    const requests = new ConsentRequests(configured());
    const sealed = requests.seal(request, "secret");
    expect(requests.open(sealed, ["new", "newer", "secret"])).toEqual({ request, wishes: {} });
    for (const secrets of [[], ["new"], ["new", "newer"], [""]]) {
      expect(() => requests.open(sealed, secrets)).toThrow(stale);
    }
    const unsealable = expect.objectContaining({ code: "ERR_UNSEALABLE" });
    const caused = expect.objectContaining({ error: "invalid_request", cause: unsealable });
    expect(() => requests.open("of somebody's making", ["secret"])).toThrow(caused);
  });

  it("comes back with what the upstream is to know, and with a registration that may end meanwhile", () => {
    const requests = new ConsentRequests(configured());
    const wishes = { prompt: "login", loginHint: "ada" };
    const registration = { client_id: "app", redirect_uris: ["https://app.example/callback"], expiresAt: 1 };
    for (const [sealed, expected] of [
      [requests.seal(request, "secret"), { request, wishes: {} }],
      [requests.seal(request, "secret", wishes), { request, wishes }],
      [requests.seal(request, "secret", wishes, { registration }), { request, wishes, registration }],
      [requests.seal(request, "secret", wishes, { after: "mark" }), { request, wishes, after: "mark" }],
    ] as const) {
      expect(requests.open(sealed, ["secret"])).toStrictEqual(expected);
    }
  });

  it("is sealed as every version of this server seals it", () => {
    const sealed = new SealedJson(configured().keys.derive("consent request"), z.unknown());
    expect(sealed.open(new ConsentRequests(configured()).seal(request, "secret"), "secret")).toHaveProperty("request");
  });

  it("says which key is missing where another instance has sealed it", () => {
    const sealed = new ConsentRequests(configured()).seal(request, "secret");
    const others = new ConsentRequests(configured({ secret: "another secret, which is long enough too" }));
    const missing = expect.objectContaining({ code: "ERR_UNSEALABLE", keyId: sealed.split(".")[1] });
    expect(() => others.open(sealed, ["secret"])).toThrow(missing);
    expect(() => others.open(sealed, ["new", "secret"])).toThrow(missing);
  });
});
