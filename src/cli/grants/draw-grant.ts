import type { GrantSummary } from "../../provider/grants/grant-directory.ts";

/** A grant in lines, as a person reads it. What a client calls itself is quoted: nobody else has to believe it. */
export function drawGrant(grant: GrantSummary): string {
  const { grantId, clientId, clientName, clientHost, clientVerified, subject, upstreamIssuer, scopes, resource } =
    grant;
  const standing = clientVerified ? "verified" : "not verified";
  const names = [clientName && JSON.stringify(clientName), clientHost && `${clientHost}, ${standing}`].filter(Boolean);
  const used = grant.lastUsedAt === undefined ? "not noted" : timeOf(grant.lastUsedAt);
  const lines: [string, string | undefined][] = [
    ["grant", grantId],
    ["client", clientId],
    ["", names.length === 0 ? undefined : names.join(", ")],
    ["user", subject ?? "not known"],
    ["at", upstreamIssuer],
    ["scopes", scopes.join(" ")],
    ["for", resource],
    ["since", timeOf(grant.createdAt)],
    ["used", grant.lastUsedFrom === undefined ? used : `${used}, from ${grant.lastUsedFrom}`],
    ["until", timeOf(grant.expiresAt)],
  ];
  return lines.map(([name, text]) => (text === undefined ? "" : `${name.padEnd(8)}${printable(text)}\n`)).join("");
}

/** A grant as JSON, in one line: times are in epoch seconds, what is not known is null. */
export function asJson(grant: GrantSummary): string {
  return JSON.stringify(grant, (_, value: unknown) => (value === undefined ? null : value));
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Ids come from elsewhere: no character of one may move the cursor or change a colour. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "\ufffd");
}
