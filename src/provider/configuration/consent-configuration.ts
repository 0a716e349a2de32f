import { ConfigurationError } from "../../errors.ts";
import { requireText } from "../../option-checks.ts";
import type { ConsentOptions, ConsentTexts } from "./options.ts";

/** What the pages that people see look like and say, complete. */
export interface ConsentConfiguration {
  readonly brandName: string;
  readonly logoUrl: string | undefined;
  readonly accentColour: string;
  readonly scopeDescriptions: ReadonlyMap<string, string>;
  readonly texts: ConsentTexts;
  readonly language: string;
  /** In seconds. */
  readonly remember: number;
}

const english: ConsentTexts = {
  title: "Allow {client}?",
  asks: "wants to use {brand} in your name.",
  scopesHeading: "It will be able to",
  noScopes: "Nothing beyond knowing that you logged in.",
  redirectNote: "Afterwards you go to {host}.",
  loopbackWarning:
    "This leads to a program on this computer. Allow it only if you have just started a login there yourself: any program on it can give this name.",
  verified: "Its name and details come from {domain}.",
  unverified: "Unverified: it gave this name itself. Nobody has checked it.",
  configured: "It was set up by the people who run {brand}.",
  allow: "Allow",
  deny: "Deny",
  errorTitle: "Sign-in cannot go on",
};

/**
 * Checks the consent options and fills in the defaults.
 *
 * @throws `ConfigurationError` that names the option that is wrong.
 */
export function configureConsent(options: ConsentOptions, baseUrl: string): ConsentConfiguration {
  const { logoUrl, accentColour = "#1f5fd6", rememberSeconds = 90 * 24 * 60 * 60, language = "en" } = options;
  if (logoUrl !== undefined && !(URL.canParse(logoUrl) && new URL(logoUrl).protocol === "https:")) {
    throw new ConfigurationError("consent.logoUrl must be an https URL.");
  }
  if (!/^#[0-9a-f]{6}$/i.test(accentColour)) {
    throw new ConfigurationError("consent.accentColour must be a colour in the form #rrggbb.");
  }
  if (!/^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/i.test(language)) {
    throw new ConfigurationError("consent.language must be a language tag, such as en or pt-BR.");
  }
  if (!Number.isFinite(rememberSeconds) || rememberSeconds < 0) {
    throw new ConfigurationError("consent.rememberSeconds must be a number of seconds, 0 to ask every time.");
  }
  if (options.brandName !== undefined) requireText("consent.brandName", options.brandName);
  const texts = Object.entries(options.texts ?? {}).filter(([, given]) => given !== undefined);
  for (const [name, given] of texts) requireText(`consent.texts.${name}`, given);
  for (const [scope, given] of Object.entries(options.scopeDescriptions ?? {})) {
    requireText(`consent.scopeDescriptions.${scope}`, given);
  }
  return {
    brandName: options.brandName ?? new URL(baseUrl).host,
    logoUrl,
    accentColour,
    scopeDescriptions: new Map(Object.entries(options.scopeDescriptions ?? {})),
    texts: { ...english, ...Object.fromEntries(texts) },
    language,
    remember: rememberSeconds,
  };
}
