import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { McpOAuthProvider } from "../../src/index.ts";
import type { SqliteDriver } from "../../src/sqlite.ts";
import { FakeUpstream, logInAtFakeUpstream } from "./fake-upstream.ts";
import { freePort } from "./free-port.ts";
import { jsonOf } from "./json-of.ts";
import { ClientHarness, type IssuedCode, type IssuedTokens, pkce } from "./provider-harness.ts";

/** What came of it. */
export interface ServerKillResult {
  logins: number;
  refreshes: number;
  /** Requests for tokens that a kill cut off, and that the client sent again. */
  repeated: number;
  /** Codes that a kill cut off between their redemption and its answer: the person logs in again, as nobody got tokens. */
  unansweredLogins: number;
  /** Clients that had tokens and were told to log in again. */
  loggedOut: number;
  /** Codes that gave tokens twice. */
  letInTwice: number;
}

/** The provider of a server in another process. */
class RemoteProvider extends McpOAuthProvider {
  override fetch(request: Request): Promise<Response> {
    return fetch(request, { redirect: "manual" });
  }
}

const worker = new URL("./sqlite-server-worker.ts", import.meta.url);
const clientsAtOnce = 10;
const refreshesPerLogin = 2;

/** Logs clients in at a server with its state in a file, refreshes, and kills the server with SIGKILL in the middle. */
export async function killServer(
  file: string,
  driver: SqliteDriver,
  { logins, kills }: { readonly logins: number; readonly kills: number },
): Promise<ServerKillResult> {
  const result: ServerKillResult = {
    logins: 0,
    refreshes: 0,
    repeated: 0,
    unansweredLogins: 0,
    loggedOut: 0,
    letInTwice: 0,
  };
  const port = String(await freePort());
  const baseUrl = `http://127.0.0.1:${port}`;
  const upstream = new FakeUpstream(Date.now);
  const harness = new ClientHarness(
    new RemoteProvider({ baseUrl, scopes: ["user"], upstream, secret: "this one seals nothing, and is long enough" }),
    baseUrl,
  );
  const start = async (): Promise<ChildProcess> => {
    const child = fork(worker, [file, driver, port], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    await once(child, "message");
    return child;
  };
  let server = await start();
  let up: Promise<unknown> = Promise.resolve();
  const restart = async (): Promise<void> => {
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
    server = await start();
  };
  /** Does it again, once the server is back, as often as the server dies meanwhile. */
  const insist = async <T>(step: () => Promise<T>): Promise<{ readonly answer: T; readonly isRepeated: boolean }> => {
    for (let attempt = 0; ; attempt++) {
      await up;
      try {
        return { answer: await step(), isRepeated: attempt > 0 };
      } catch (error) {
        // What fetch throws where the connection was refused or cut off.
        if (!(error instanceof TypeError) || attempt > 100) throw error;
        result.repeated += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  const codeFor = async (user: string): Promise<IssuedCode> => {
    const { client_id: clientId } = await harness.register();
    const { verifier, challenge } = pkce();
    const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
    const redirect = await harness.finishLogin(logInAtFakeUpstream(location, user), cookie);
    return { clientId, code: redirect.searchParams.get("code") ?? "", verifier };
  };
  const logIn = async (user: string): Promise<IssuedTokens> => {
    for (;;) {
      const { answer: issued } = await insist(() => codeFor(user));
      const { answer, isRepeated } = await insist(() => harness.redeem(issued));
      if (answer.status === 200) return { ...issued, ...(await jsonOf(answer)) };
      if (!isRepeated) throw new Error(`a code was refused: ${answer.status} ${await answer.text()}`);
      result.unansweredLogins += 1;
    }
  };

  const ended: IssuedTokens[] = [];
  let next = 0;
  let killed = 0;
  const client = async (): Promise<void> => {
    while (next < logins) {
      next += 1;
      if (next >= ((killed + 1) * logins) / (kills + 1) && killed < kills) {
        killed += 1;
        up = restart();
      }
      let tokens = await logIn(`user ${next}`);
      result.logins += 1;
      for (let count = 0; count < refreshesPerLogin; count++) {
        const { answer } = await insist(() => harness.refresh(tokens));
        if (answer.status === 200) tokens = { ...tokens, ...(await jsonOf(answer)) };
        else result.loggedOut += 1;
        result.refreshes += 1;
      }
      ended.push(tokens);
    }
  };
  try {
    await Promise.all(Array.from({ length: clientsAtOnce }, client));
    up = restart();
    await up;
    for (const tokens of ended) {
      const headers = { authorization: `Bearer ${tokens.access_token}` };
      const isIn = (await fetch(`${baseUrl}/mcp`, { headers })).status === 200;
      const isRefreshed = (await harness.refresh(tokens)).status === 200;
      if (!isIn || !isRefreshed) result.loggedOut += 1;
    }
    for (const issued of ended) if ((await harness.redeem(issued)).status === 200) result.letInTwice += 1;
  } finally {
    server.kill("SIGKILL");
  }
  return result;
}
