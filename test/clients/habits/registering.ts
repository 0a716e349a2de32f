import { expect } from "vitest";
import { jsonOf, type OAuthBody } from "../../support/json-of.ts";
import { pkce } from "../../support/provider-harness.ts";
import type { Habit, HabitScene } from "./habit.ts";

/** A section of RFC 7591. */
export const rfc7591 = (section: string) => `https://www.rfc-editor.org/rfc/rfc7591#section-${section}`;
/** An issue on GitHub. */
export const issue = (repository: string, number: number) => `https://github.com/${repository}/issues/${number}`;
/** A pull request on GitHub. */
export const pull = (repository: string, number: number) => `https://github.com/${repository}/pull/${number}`;

/** The members of a registration. */
export type Metadata = Readonly<Record<string, unknown>>;

/** Sends a registration to the letter, and gives back the answer to one that was taken. */
export async function register({ harness }: HabitScene, metadata: Metadata): Promise<OAuthBody> {
  const response = await harness.postJson("/register", metadata);
  const body = await jsonOf(response);
  expect([response.status, body.error]).toEqual([201, undefined]);
  return body;
}

/** A row whose client registers so and is answered with these members; undefined for one that is left out. */
export function answered(sent: Metadata, members: Metadata): Habit["run"] {
  return async (scene) => {
    const body: Metadata = { ...(await register(scene, { redirect_uris: [scene.harness.redirectUri], ...sent })) };
    for (const [name, value] of Object.entries(members)) expect(body[name], name).toEqual(value);
  };
}

/** Opens the authorization endpoint as a client does; gives back the status, which is 200 for the consent page. */
export async function authorize({ harness }: HabitScene, client_id: string, redirect_uri = harness.redirectUri) {
  const path = harness.authorizePath({ client_id, redirect_uri, code_challenge: pkce().challenge });
  return harness.get(path);
}

/** What most programs on a person's computer register. */
export const nativeClient = {
  token_endpoint_auth_method: "none",
  grant_types: ["authorization_code", "refresh_token"],
};
