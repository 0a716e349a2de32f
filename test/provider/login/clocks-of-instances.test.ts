import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider } from "../../../src/index.ts";
import type { ProviderRepositories } from "../../../src/records/repositories.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, joinCookies, pkce } from "../../support/provider-harness.ts";

/** How far the clocks of two instances may be from the true time, in seconds: at most 120 from each other. */
const skews = [0, 30, -30, 60, -60, 120, -120];
const pairs = skews.flatMap((decider) => skews.map((revoker) => [decider, revoker] as const));
const tolerated = pairs.filter(([decider, revoker]) => Math.abs(decider - revoker) <= 120);

const baseUrl = "https://mcp.example";
let clock: ManualClock;
let repositories: ProviderRepositories;
beforeEach(() => {
  clock = new ManualClock();
  repositories = createInMemoryRepositories({ clock: clock.read });
});

function instance(skew: number): ClientHarness<McpOAuthProvider> {
  const options = { secret: "a secret of this test, which is long enough", scopes: ["user"], logger: false as const };
  const read = () => clock.read() + skew * 1000;
  const upstream = new FakeUpstream(clock.read);
  const provider = new McpOAuthProvider({ ...options, baseUrl, upstream, clock: read, repositories });
  return new ClientHarness(provider, baseUrl);
}

type Instance = ClientHarness<McpOAuthProvider>;

/** A person who has allowed a client once; what the browser has, and what the client asks for. */
async function allowedOnce(at: Instance) {
  const { client_id } = await at.register();
  const asked = { client_id, code_challenge: pkce().challenge };
  const { location, cookie } = await at.beginLogin(asked);
  const ended = await at.followCallback(logInAtFakeUpstream(location, "ada"), cookie);
  expect(ended.location.searchParams.has("code")).toBe(true);
  return { asked, cookie: ended.cookie };
}

/** Comes back from the upstream: "code", or the consent page that is shown. */
async function comeBack(at: Instance, location: URL, cookie: string) {
  const headers = { cookie };
  const response = await at.provider.fetch(new Request(logInAtFakeUpstream(location, "ada"), { headers }));
  const sealed = /name="request" value="([^"]+)"/.exec(await response.clone().text())?.[1] ?? "";
  const isLetIn = response.headers.get("location")?.includes("code=") === true;
  return { isLetIn, sealed, cookie: joinCookies(cookie, response) };
}

/** Begins a login, by a page if the browser remembers nothing that counts. */
async function begin(at: Instance, asked: Record<string, string>, cookie: string) {
  const response = await at.get(at.authorizePath(asked), { cookie });
  const location = response.headers.get("location");
  if (location !== null) return { location: new URL(location), cookie: joinCookies(cookie, response) };
  const page = await at.openConsentPage(asked, cookie);
  return answer(at, page);
}

async function answer(at: Instance, page: { readonly sealed: string; readonly cookie: string }) {
  const response = await at.decide(page, "allow");
  return { location: new URL(response.headers.get("location") ?? ""), cookie: joinCookies(page.cookie, response) };
}

describe.each(tolerated)("with one clock %i s ahead and the other %i s", (ahead, behind) => {
  it("lets nobody in by what was remembered before a revocation", async () => {
    const [decider, revoker] = [instance(ahead), instance(behind)];
    const { asked, cookie } = await allowedOnce(decider);
    clock.advance(1);
    await revoker.provider.revokeGrants({ subject: "ada" });
    for (const at of [decider, revoker]) {
      const begun = await begin(at, asked, cookie);
      expect((await comeBack(at, begun.location, begun.cookie)).isLetIn).toBe(false);
    }
  });

  it("lets nobody in by what was answered before a revocation", async () => {
    const [decider, revoker] = [instance(ahead), instance(behind)];
    const { asked, cookie } = await allowedOnce(decider);
    const begun = await answer(decider, await decider.openConsentPage({ ...asked, prompt: "consent" }, cookie));
    clock.advance(1);
    await revoker.provider.revokeGrants({ subject: "ada" });
    for (const at of [decider, revoker]) {
      expect((await comeBack(at, begun.location, begun.cookie)).isLetIn).toBe(false);
    }
  });

  it("lets in whoever answers after a revocation, and asks once more at the most", async () => {
    const [decider, revoker] = [instance(ahead), instance(behind)];
    const { asked, cookie } = await allowedOnce(decider);
    await revoker.provider.revokeGrants({ subject: "ada" });
    clock.advance(1);
    const begun = await answer(decider, await decider.openConsentPage({ ...asked, prompt: "consent" }, cookie));
    const first = await comeBack(revoker, begun.location, begun.cookie);
    if (first.isLetIn) return;
    const again = await answer(decider, first);
    expect((await comeBack(revoker, again.location, again.cookie)).isLetIn).toBe(true);
  });

  it("lets nobody in by an answer between two revocations, at once or as it is remembered", async () => {
    const [decider, revoker] = [instance(ahead), instance(behind)];
    const { asked, cookie } = await allowedOnce(decider);
    await decider.provider.revokeGrants({ subject: "ada" });
    const begun = await begin(decider, asked, cookie);
    const page = await comeBack(decider, begun.location, begun.cookie);
    const [pending, ended] = [await answer(decider, page), await answer(decider, page)];
    const remembering = await comeBack(decider, ended.location, ended.cookie);
    expect(remembering.isLetIn).toBe(true);
    clock.advance(1);
    await revoker.provider.revokeGrants({ subject: "ada" });
    expect((await comeBack(decider, pending.location, pending.cookie)).isLetIn).toBe(false);
    const next = await begin(decider, asked, remembering.cookie);
    expect((await comeBack(decider, next.location, next.cookie)).isLetIn).toBe(false);
  });
});
