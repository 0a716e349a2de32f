import type { StageDoor } from "./stage.ts";

/** A user's session at Pangea: what one code of Pangea's led to. */
export interface UpstreamSession {
  readonly id: string;
  readonly subject: string;
  readonly accessTokens: readonly string[];
  /** The one refresh token that is good now. */
  readonly refreshToken: string;
  /** Those that were good before. Using one again is taken for theft and ends the session. */
  readonly spent: readonly string[];
  readonly isLive: boolean;
  /** Which instance was told the latest tokens; undefined where the answer was lost on the way. */
  readonly toldTo: number | undefined;
  /** How often the session was refreshed. */
  readonly refreshes: number;
  /** The count of the explorer's actions when the session was last refreshed. */
  readonly refreshedAt: number;
}

/** All sessions at one moment. */
export type UpstreamSnapshot = ReadonlyMap<string, UpstreamSession>;

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const accessTokenLifetime = 3600;
/** How long an instance waits for an answer, in milliseconds. */
export const upstreamTimeout = 1000;

/**
 * Pangea AuthN without a network, as strict as it may be: refresh tokens rotate, a second use ends the session, and
 * revoking a token that was rotated away changes nothing.
 */
export class StubUpstream {
  #sessions = new Map<string, UpstreamSession>();
  /** Counts the explorer's actions, so that it can be said whether a refresh came before or after something else. */
  now = 0;

  snapshot(): UpstreamSnapshot {
    return new Map(this.#sessions);
  }

  restore(snapshot: UpstreamSnapshot): void {
    this.#sessions = new Map(snapshot);
  }

  sessions(): readonly UpstreamSession[] {
    return [...this.#sessions.values()];
  }

  /** The code that Pangea sends back with the browser. It is good for one session of its own. */
  codeFor(session: string, subject: string): string {
    return `poc_${session}_${subject}`;
  }

  /** Nobody knows the latest tokens of the sessions that this instance was told last: it is gone. */
  forget(instance: number): void {
    for (const session of this.#sessions.values()) {
      if (session.toldTo === instance && session.refreshes > 0) this.#put({ ...session, toldTo: undefined });
    }
  }

  /**
   * The `fetch` of one instance: each call is a step of the stage. A call that takes longer than its instance waits is given up:
   * what was not sent by then is never sent, and what is answered then is not heard.
   *
   * @param now - The true time, in milliseconds.
   */
  fetchOf(stage: StageDoor, instance: number, now: () => number): (request: Request) => Promise<Response> {
    return async (request) => {
      const form = new URLSearchParams(await request.text());
      const path = new URL(request.url).pathname;
      const givenUpAt = now() + upstreamTimeout;
      const { status, body } = await stage.pass<Reply>({
        kind: "upstream",
        instance,
        describe: () => `Pangea ${[path.split("/").at(-1), form.get("grant_type")].filter(Boolean).join(" ")}`,
        effect: () => (now() > givenUpAt ? timedOut : this.#answer(path, form, instance)),
        faults: {
          "failed before its effect": () => ({ status: 503, body: {} }),
          "answer lost after its effect": () => {
            this.#loseAnswer(form);
            throw new TypeError("fetch failed");
          },
        },
      });
      if (now() > givenUpAt) {
        if (status === 200) this.#loseAnswer(form);
        throw new TypeError("fetch failed");
      }
      return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
    };
  }

  #answer(path: string, form: URLSearchParams, instance: number): Reply {
    if (path.endsWith("/introspect")) return this.#introspect(form.get("token") ?? "");
    if (path.endsWith("/revoke")) return this.#revoke(form.get("token") ?? "");
    if (form.get("grant_type") === "refresh_token") return this.#refresh(form.get("refresh_token") ?? "", instance);
    return this.#exchange(form.get("code") ?? "", instance);
  }

  #exchange(code: string, instance: number): Reply {
    const [, id, subject] = /^poc_([^_]+)_(.+)$/.exec(code) ?? [];
    if (id === undefined || subject === undefined || this.#sessions.has(id)) return refused;
    const session: UpstreamSession = {
      id,
      subject,
      accessTokens: [`ptu_${id}_0`],
      refreshToken: `ptr_${id}_0`,
      spent: [],
      isLive: true,
      toldTo: instance,
      refreshes: 0,
      refreshedAt: this.now,
    };
    this.#put(session);
    return tokensOf(session);
  }

  #refresh(token: string, instance: number): Reply {
    const session = this.#sessionOf(token);
    if (!session?.isLive) return refused;
    if (session.spent.includes(token)) {
      this.#put({ ...session, isLive: false });
      return refused;
    }
    const refreshes = session.refreshes + 1;
    const renewed = {
      ...session,
      accessTokens: [...session.accessTokens, `ptu_${session.id}_${refreshes}`],
      refreshToken: `ptr_${session.id}_${refreshes}`,
      spent: [...session.spent, token],
      toldTo: instance,
      refreshes,
      refreshedAt: this.now,
    };
    this.#put(renewed);
    return tokensOf(renewed);
  }

  #introspect(token: string): Reply {
    const session = this.#sessionOf(token);
    if (!session?.isLive) return { status: 200, body: { active: false } };
    return { status: 200, body: { active: true, sub: session.subject } };
  }

  #revoke(token: string): Reply {
    const session = this.#sessionOf(token);
    if (session?.refreshToken === token) this.#put({ ...session, isLive: false });
    return { status: 200, body: {} };
  }

  #loseAnswer(form: URLSearchParams): void {
    const session = this.#sessionOf(form.get("refresh_token") ?? "");
    if (session !== undefined) this.#put({ ...session, toldTo: undefined });
  }

  #sessionOf(token: string): UpstreamSession | undefined {
    return this.#sessions.get(/^pt[ur]_([^_]+)_/.exec(token)?.[1] ?? "");
  }

  #put(session: UpstreamSession): void {
    this.#sessions.set(session.id, session);
  }
}

const timedOut: Reply = { status: 504, body: {} };
const refused: Reply = { status: 400, body: { error: "invalid_grant" } };

function tokensOf({ accessTokens, refreshToken }: UpstreamSession): Reply {
  const access = accessTokens.at(-1);
  const body = {
    access_token: access,
    refresh_token: refreshToken,
    token_type: "bearer",
    expires_in: accessTokenLifetime,
    scope: "user",
  };
  return { status: 200, body };
}
