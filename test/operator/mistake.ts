import type { Finding } from "../../src/index.ts";

/** What everybody reads of a mistake. */
export interface Readings {
  /** In the browser: the text of the page. */
  readonly person: string;
  /** What the client gets. */
  readonly client: string;
  /** The lines of the log. */
  readonly operator: readonly string[];
  /** What `check()` finds; undefined where it cannot know of the mistake, or there is no provider. */
  readonly findings?: readonly Finding[];
}

/** A mistake that people make. */
export interface Mistake {
  readonly name: string;
  /** What one of the person, the client and the operator has to read, for it says what to do. */
  readonly remedy: RegExp;
  /** The check of `doctor` that finds the mistake; undefined where nothing is to be seen from outside. */
  readonly check?: string;
  /** Makes the mistake, and tries to use the server. */
  readonly make: () => Promise<Readings>;
}

/** The words of a page, without what is markup. */
export function textOf(html: string): string {
  return html
    .replaceAll(/<(style|head|svg)\b.*?<\/\1>/gs, " ")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] ?? "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/** What everybody reads of a mistake, as the guide shows it. Ports and references are another each time. */
export function rendered({ name, check }: Mistake, { person, client, operator, findings = [] }: Readings): string {
  const found = findings.find((finding) => finding.check === check);
  const doctor = found === undefined ? "nothing to be seen from outside" : `${found.what} ${found.remedy ?? ""}`.trim();
  const lines =
    operator.length === 0 ? ["nothing"] : operator.map((line) => line.replace("pangea-authn-fastmcp: ", ""));
  return steady(
    [
      `### ${name}`,
      "",
      `- **The person reads:** ${person}`,
      `- **The client gets:** ${client}`,
      ...lines.map((line) => `- **The log says:** ${line}`),
      `- **\`doctor\` says:** ${doctor}`,
    ].join("\n"),
  );
}

function steady(text: string): string {
  return text
    .replaceAll(/(127\.0\.0\.1|localhost):\d+/g, "$1:…")
    .replaceAll(/([Rr]eference:? )[\w-]{8}/g, "$1…")
    .replaceAll(/\b(\d{3}) seconds (ahead|behind)/g, "600 seconds $2")
    .replaceAll(/key ids [\w-]{8}; this one has [\w-]{8}/g, "key ids …; this one has …")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "… UTC")
    .replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g, "…")
    .replaceAll(/[ \t]+$/gm, "");
}
