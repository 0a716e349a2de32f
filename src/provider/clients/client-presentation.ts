import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";

/** What people are told of a client, as far as it is known: what a grant keeps of that. */
export interface ClientPresentation {
  /** What the client calls itself, where it gives a name. */
  readonly clientName?: string;
  /** The domain of the client's metadata document. */
  readonly clientHost?: string;
  /** Whether somebody has checked who the client is: its document is on its own domain, or the operator has named it. */
  readonly clientVerified?: true;
}

/**
 * A name that cannot be mistaken for the page's own words: one line, no control or direction characters. Undefined where
 * the client gives none.
 */
export function displayName({
  client_name: given = "",
}: Pick<OAuthClientInformation, "client_name">): string | undefined {
  const name = inOneLine(given);
  return name === "" ? undefined : [...name].slice(0, 80).join("");
}

/** A text from elsewhere in one line, without what nobody sees and what turns the text around it. */
export function inOneLine(text: string): string {
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
}

/** Where a client without a name is from: the host of its redirect URI without the port, or its scheme. */
export function redirectPlace(redirectUri: string): string {
  const { protocol, hostname } = new URL(redirectUri);
  return protocol === "http:" || protocol === "https:" ? hostname : protocol.slice(0, -1);
}
