import { requireExactText, requireHttpUrl, requireThat } from "../../option-checks.ts";
import { withoutLastSlashes } from "../oauth/paths.ts";
import { requireSecrets } from "./upstream-secrets.ts";

/** What the identifiers and tokens of Pangea are, by what they begin with. */
const pangeaKinds: Readonly<Record<string, string>> = {
  psa_: "the id of an OAuth client",
  pck_: "the secret of an OAuth client",
  pts_: "a service token, which Vault takes",
  pcl_: "a client token of AuthN's own pages",
  pci_: "the id of a service configuration",
  ppi_: "the id of a project",
  poi_: "the id of an organisation",
  pui_: "the id of a user",
  pvi_: "the id of an item in Vault",
  ptu_: "the access token of a user",
  ptr_: "the refresh token of a user",
};

/**
 * Checks the Hosted Login URL of a Pangea AuthN project: the issuer of AuthN's OAuth server.
 *
 * @returns The URL without a slash at its end.
 * @throws {ConfigurationError} when it is none: such as an address of the console, or of an endpoint.
 */
export function requireHostedLoginUrl(name: string, given: unknown): string {
  const issuer = withoutLastSlashes(requireHttpUrl(name, given, "https://pdn-….login.aws.us.pangea.cloud"));
  const { hostname, pathname } = new URL(issuer);
  const expected =
    "it must be the Hosted Login URL of the AuthN project, such as https://pdn-….login.aws.us.pangea.cloud.";
  const isOfPangea = /(?:^|\.)pangea\.cloud$/.test(hostname);
  const isConsole = /^console\b/.test(hostname);
  requireThat(!(isOfPangea && isConsole), `${name} is an address of the Pangea console; ${expected}`);
  requireThat(!isOfPangea || hostname.includes(".login."), `${name} is another service of Pangea; ${expected}`);
  const isEndpoint = /\/\.well-known(?:\/|$)|\/(?:v\d\/)?oauth\d?(?:\/|$)|\/authorize$/.test(pathname);
  requireThat(!isEndpoint, `${name} is the address of an endpoint: leave the path off; ${expected}`);
  requireThat(!(isOfPangea && pathname !== "/"), `${name} has a path, which no Hosted Login URL has; ${expected}`);
  return issuer;
}

/**
 * Checks the id and the secrets of the OAuth client that this server is at Pangea AuthN.
 *
 * @returns The secrets, one at least.
 * @throws {ConfigurationError} when one is missing, or is of another kind. The message shows neither.
 */
export function requireOAuthClient<Name extends string>(
  options: { readonly clientId: unknown; readonly clientSecret: unknown },
  nameOf: (option: Name | "clientId" | "clientSecret") => string,
): readonly [string, ...string[]] {
  const [idName, secretName] = [nameOf("clientId"), nameOf("clientSecret")];
  const id = requireExactText(idName, options.clientId);
  const [first, ...others] = requireSecrets(secretName, options.clientSecret);
  const isSwapped = id.startsWith("pck_") && first.startsWith("psa_");
  requireThat(!isSwapped, `${idName} and ${secretName} are swapped: an id begins with psa_, a secret with pck_.`);
  requireThat(![first, ...others].includes(id), `${secretName} is the same as ${idName}, which is public.`);
  requireThat(!id.includes(","), `${idName} has a comma in it: give the id of one client.`);
  const isOne = ![first, ...others].some((secret) => secret.includes(",pck_"));
  requireThat(isOne, `${secretName} has several secrets in one text: give a list, as with split(",").`);
  refuseOtherKinds(idName, id, "psa_");
  for (const secret of [first, ...others]) refuseOtherKinds(secretName, secret, "pck_");
  return [first, ...others];
}

/** An id or a secret that has no form of Pangea's is let through: its form is not documented. */
function refuseOtherKinds(name: string, given: string, expected: "psa_" | "pck_"): void {
  const prefix = given.slice(0, 4);
  const kind = prefix === expected ? undefined : pangeaKinds[prefix];
  requireThat(
    kind === undefined,
    `${name} begins with ${prefix}: that is ${kind}. Give ${pangeaKinds[expected]} (${expected}…).`,
  );
}
