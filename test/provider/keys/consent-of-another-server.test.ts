import { beforeEach, describe, expect, it } from "vitest";
import { KeyRing, McpOAuthProvider } from "../../../src/index.ts";
import { OperatorGrants } from "../../../src/provider/grants/operator-grants.ts";
import { createSqliteRepositories } from "../../../src/sqlite.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, joinCookies, pkce } from "../../support/provider-harness.ts";
import { setUp } from "../../support/set-up.ts";
import { sqliteDirectory } from "../../support/sqlite-subject.ts";

const day = 24 * 60 * 60;
const client = {
  client_id: "editor",
  redirect_uris: ["http://127.0.0.1:4999/callback"],
  grant_types: ["authorization_code"],
  token_endpoint_auth_method: "none",
};

let directory: Awaited<ReturnType<typeof sqliteDirectory>>;
setUp("file", async (parts) => {
  directory = parts.use(await sqliteDirectory());
});
let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
});

type Server = ReturnType<typeof serverOn>;

/** A server on a file. Without a key of its own the file has the keys that follow from the server's secret and issuer. */
function serverOn(
  file: string,
  baseUrl: string,
  { issuerUrl = baseUrl, key }: { issuerUrl?: string; key?: string } = {},
) {
  const keys = key === undefined ? {} : { keys: KeyRing.from(key) };
  const repositories = createSqliteRepositories(file, { clock: clock.read, ...keys });
  const provider = new McpOAuthProvider({
    secret: "a secret of this test, which is long enough",
    scopes: ["user"],
    baseUrl,
    issuerUrl,
    upstream: new FakeUpstream(clock.read),
    clients: [client],
    clock: clock.read,
    repositories,
    logger: false,
  });
  return { harness: new ClientHarness(provider, baseUrl), provider, repositories };
}

/** A browser of Ada's. */
class Browser {
  #cookie = "";

  /** Logs Ada in, and says how often she was asked: ten times at the most. */
  async questions({ harness, provider }: Server): Promise<number> {
    const asked = { client_id: "editor", code_challenge: pkce().challenge };
    const begun = await harness.get(harness.authorizePath(asked), { cookie: this.#cookie });
    const location = begun.headers.get("location");
    let answer = begun;
    if (location !== null) answer = await this.#comeBack(provider, begun, location);
    for (let count = 0; count < 10; count++) {
      this.#cookie = joinCookies(this.#cookie, answer);
      if (answer.headers.get("location")?.includes("code=")) return count;
      const sealed = /name="request" value="([^"]+)"/.exec(await answer.text())?.[1] ?? "";
      const decided = await harness.decide({ sealed, cookie: this.#cookie }, "allow");
      answer = await this.#comeBack(provider, decided, decided.headers.get("location") ?? "");
      clock.advanceSeconds(200);
    }
    return Number.POSITIVE_INFINITY;
  }

  async #comeBack(provider: McpOAuthProvider, response: Response, location: string): Promise<Response> {
    this.#cookie = joinCookies(this.#cookie, response);
    const headers = { cookie: this.#cookie };
    return provider.fetch(new Request(logInAtFakeUpstream(new URL(location), "ada"), { headers }));
  }
}

const [here, elsewhere] = ["https://mcp.example", "https://new.example"];
const byPerson = async ({ provider }: Server) => {
  await provider.revokeGrants({ subject: "ada", clientId: "editor" });
};
const byPersonForAll = async ({ provider }: Server) => {
  await provider.revokeGrants({ subject: "ada" });
};
const byCommand = async ({ repositories }: Server) => {
  await new OperatorGrants(repositories, { clock: clock.read, tell: () => {} }).revokeAll({ subject: "ada" });
};

/** How often Ada is asked at the other server: at first, at the next login, after 100 days, and at the login after that. */
const cases: [string, (server: Server) => Promise<void>, string, { issuerUrl?: string; key?: string }, number[]][] = [
  ["the issuer has a slash more, after one client's", byPerson, here, { issuerUrl: `${here}/` }, [2, 0, 1, 0]],
  ["the issuer has a slash more, after every client's", byPersonForAll, here, { issuerUrl: `${here}/` }, [2, 0, 1, 0]],
  ["the issuer has a slash more, after a command", byCommand, here, { issuerUrl: `${here}/` }, [2, 1, 2, 0]],
  ["the server has moved, after one client's", byPerson, elsewhere, {}, [1, 0, 1, 0]],
  ["the server has moved, after a command", byCommand, elsewhere, {}, [2, 1, 2, 0]],
  ["the other server has other keys, after a command", byCommand, elsewhere, { key: "o".repeat(40) }, [2, 1, 2, 0]],
];

describe("the end of a consent that another server has sealed in the same file", () => {
  it.each(cases)("asks the person, and takes the answer, where %s", async (_, end, baseUrl, options, expected) => {
    const file = directory.file();
    const first = serverOn(file, here);
    expect(await new Browser().questions(first)).toBe(1);
    await end(first);
    const second = serverOn(file, baseUrl, options);
    const browser = new Browser();
    const counts = [await browser.questions(second), await browser.questions(second)];
    clock.advanceSeconds(100 * day);
    counts.push(await browser.questions(second), await browser.questions(second));
    expect(counts).toEqual(expected);
  });

  it("asks no more once the command was given with the keys of now", async () => {
    const file = directory.file();
    const first = serverOn(file, here);
    expect(await new Browser().questions(first)).toBe(1);
    await byCommand(first);
    const second = serverOn(file, elsewhere);
    const browser = new Browser();
    expect([await browser.questions(second), await browser.questions(second)]).toEqual([2, 1]);
    await byCommand(second);
    clock.advanceSeconds(200);
    expect([await browser.questions(second), await browser.questions(second)]).toEqual([1, 0]);
  });

  it.each([
    ["the person", byPerson],
    ["a command", byCommand],
  ])("does not hide a later end, by %s at this server", async (_, end) => {
    const file = directory.file();
    const first = serverOn(file, here);
    expect(await new Browser().questions(first)).toBe(1);
    await byPerson(first);
    const second = serverOn(file, here, { issuerUrl: `${here}/` });
    const browser = new Browser();
    expect([await browser.questions(second), await browser.questions(second)]).toEqual([2, 0]);
    await end(second);
    clock.advanceSeconds(200);
    expect([await browser.questions(second), await browser.questions(second)]).toEqual([1, 0]);
  });
});
