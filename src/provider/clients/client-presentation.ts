import type { KnownClient } from "./client-registry.ts";

/** What people are shown of a client, and what a grant keeps of that. */
export interface ClientPresentation {
  /** What the client calls itself, where it gives a name. */
  readonly clientName?: string;
  /** Where the client is from: the domain of its metadata document, or else the host or scheme of the redirect URI. */
  readonly clientHost: string;
  /** Whether somebody has checked who the client is: its document is on its own domain, or the operator has named it. */
  readonly clientVerified?: true;
}

/** What people are shown of a client that asks for this redirect URI. */
export function presentationOf(client: KnownClient, redirectUri: string): ClientPresentation {
  const clientName = displayName(client);
  const isVerified = client.source === "configured" || client.verifiedDomain !== undefined;
  return {
    ...(clientName !== undefined && { clientName }),
    clientHost: client.verifiedDomain ?? redirectPlace(redirectUri),
    ...(isVerified && { clientVerified: true }),
  };
}

/**
 * A name that cannot be mistaken for the page's own words: one line, no control or direction characters. Undefined where
 * the client gives none.
 */
export function displayName(client: KnownClient): string | undefined {
  const given = client.information.client_name ?? "";
  const name = given
    .replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  return name === "" ? undefined : [...name].slice(0, 80).join("");
}

/** Where a client without a name is from: the host of its redirect URI without the port, or its scheme. */
export function redirectPlace(redirectUri: string): string {
  const { protocol, hostname } = new URL(redirectUri);
  return protocol === "http:" || protocol === "https:" ? hostname : protocol.slice(0, -1);
}
