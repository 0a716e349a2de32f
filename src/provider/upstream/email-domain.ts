import { domainToASCII } from "node:url";
import { requireText, requireThat } from "../../option-checks.ts";
import { withoutLastSlashes } from "../oauth/paths.ts";

/** Labels of a domain in ASCII: two at the least, the last of which is no number. */
const form = /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** No domain has more characters. */
const maxLength = 253;

/**
 * The domain of e-mail addresses as it is compared: in lower case and in ASCII, as DNS has it
 * ({@link https://www.rfc-editor.org/rfc/rfc5890 RFC 5890}). `bücher.example` and `xn--bcher-kva.example` are one domain.
 *
 * @returns Undefined for what is no domain.
 */
export function asciiDomain(text: string): string | undefined {
  // A character that nobody sees is left out on the way to ASCII: who writes one has something else in mind.
  if (text.length > maxLength || /[\s\p{C}/?#\\]/u.test(text)) return undefined;
  const domain = domainToASCII(text);
  return domain.length <= maxLength && form.test(domain) ? domain : undefined;
}

/**
 * Checks that an option is one domain of e-mail addresses.
 *
 * @returns The domain as `asciiDomain` has it.
 * @throws {ConfigurationError} when it is anything else; the message says what may have been meant.
 */
export function requireDomain(name: string, value: unknown): string {
  const text = requireText(name, value);
  const domain = asciiDomain(text);
  if (domain !== undefined) return domain;
  const parts = text
    .split(/[\s,;]+/)
    .map((part) => withoutLastSlashes(part.replace(/^(?:https?:\/\/|\*?\.|.*@)/i, "")).replace(/\.$/, ""));
  const meant = parts.map(asciiDomain).filter((part) => part !== undefined);
  const remedy =
    meant.length > 1
      ? `give each by itself: ${meant.join(", ")}`
      : text.startsWith("*") || text.startsWith(".")
        ? `there are no patterns, so give each domain by itself${meant.length === 0 ? "" : `, such as ${meant.join()}`}`
        : `write ${meant[0] === undefined ? "one, such as example.org" : meant[0]}`;
  requireThat(false, `${name} is no domain of e-mail addresses, ${JSON.stringify(text)}: ${remedy}.`);
}
