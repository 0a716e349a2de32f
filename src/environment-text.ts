/** A form in which a value stands in a file of environment variables, and what to say of it behind the option's name. */
type Form = readonly [form: RegExp, remedy: string];

/**
 * A name as environment variables have it: with an underscore, or of four capitals and more. A secret from a random source
 * that begins like that is one in ten thousand.
 */
const variable = "(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{4,})";

/** What an environment variable, a file or a template has left of itself in a text. The first that fits is told. */
const forms: readonly Form[] = [
  [
    /^(["'`]).*\1$|^“.*”$/s,
    "has quotes around it, which docker --env-file and a secret from a file keep: take them off. " +
      "A value that does begin and end with a quote cannot be given: choose another one",
  ],
  [
    new RegExp(`^(?:export\\s+|set\\s+)?${variable}=(?!=*$)`),
    "begins with the name of a variable and =, as a line of an .env file does: give what stands behind the =",
  ],
  [/[\r\n]/, "has a line break in it: give one line, the value alone"],
  [
    /\$\{[A-Za-z_]\w*(?::?[-?+=][^}]*)?\}|^\$[A-Z_][A-Z0-9_]*$|^\$\([^)]+\)$|^%[A-Z][A-Z0-9_]*%$|^\{\{.*\}\}$/,
    "has a variable in it that nothing has filled in: what reads the file or the template does not replace it",
  ],
  [
    /^(?:undefined|null|NaN|\[object \w+\])$/,
    "is the text of a value that is missing: is the environment variable set that it comes from?",
  ],
];

/**
 * Tells a value as it stands in a file of environment variables from the value that is meant: in quotes, with the name of
 * its variable, with a line break in it, with a variable that was not replaced, or the text `undefined`.
 *
 * @returns What is wrong and what to do, in words that follow the option's name; undefined for any other text.
 */
export function environmentRemnant(text: string): string | undefined {
  // A quote by itself is not around anything.
  return forms.find(([form]) => text.length > 1 && form.test(text))?.[1];
}

/** What of a URL shows that it was put together from something else than was meant; in words that follow the option's name. */
export function urlRemnant({ hostname, pathname }: URL): string | undefined {
  const isMissing = [hostname.split(".")[0], ...pathname.split("/")].some((part) => part === "undefined");
  if (isMissing || hostname === "null") {
    return "has the text of a value that is missing in it: is the environment variable set that it comes from?";
  }
  if (hostname === "0.0.0.0" || hostname === "[::]") {
    return "has an address to listen at, which nobody can reach: give the name that clients connect to, such as localhost";
  }
  if (hostname.includes("*")) return "has a * in its host: give the one host that clients connect to";
  return hostname.includes(",") ? "has a comma in its host: give one URL" : undefined;
}
