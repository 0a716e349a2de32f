/** What of an answer is looked at. */
export type AnswerHead = Pick<Response, "status" | "headers">;

/**
 * Says what an answer is that is none of an identity provider: its status, its type, and where it redirects to. Nothing of
 * its body, and nothing of an address but its origin, for both may hold whatever somebody has put there.
 *
 * @example
 * ```ts
 * describeAnswer(response); // "status 302, a redirect to https://sso.example.org"
 * ```
 */
export function describeAnswer({ status, headers }: AnswerHead): string {
  if (isRedirect({ status })) {
    const to = originOf(headers.get("location"));
    return `status ${status}, a redirect${to === undefined ? "" : ` to ${to}`}`;
  }
  const type = /^[\w.+-]{1,40}\/[\w.+-]{1,60}/.exec(headers.get("content-type") ?? "")?.[0];
  return `status ${status} and ${type ?? "no content type"}`;
}

/** Whether an answer sends its reader elsewhere. */
export function isRedirect({ status }: Pick<Response, "status">): boolean {
  return status >= 300 && status < 400;
}

function originOf(location: string | null): string | undefined {
  if (location === null || !URL.canParse(location)) return undefined;
  const { origin } = new URL(location);
  return origin === "null" ? undefined : origin;
}
