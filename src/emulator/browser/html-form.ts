/** A button that submits its form. `name` is undefined when the button adds nothing to what is sent. */
interface SubmitButton {
  readonly name: string | undefined;
  readonly value: string;
}

/** A form as it stands in a page, before anyone fills it in. */
export interface HtmlForm {
  /** Where it goes, resolved against the page. */
  readonly action: URL;
  readonly method: "GET" | "POST";
  /** Field names and the values that the page gave them. Unchecked boxes and buttons are not among them. */
  readonly fields: ReadonlyMap<string, string>;
  readonly buttons: readonly SubmitButton[];
}

/** The forms of a page, read from its markup: enough for the plain forms of this project, not a general HTML parser. */
export function readForms(html: string, pageUrl: URL): HtmlForm[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, formTag = "", content = ""]) => {
    const form = readAttributes(formTag);
    const fields = new Map<string, string>();
    const buttons: SubmitButton[] = [];
    for (const [, tag = "", attributeText = ""] of content.matchAll(/<(input|button|textarea)\b([^>]*)>/gi)) {
      const attributes = readAttributes(attributeText);
      const name = attributes.get("name");
      const value = attributes.get("value");
      const type = (attributes.get("type") ?? (tag.toLowerCase() === "button" ? "submit" : "text")).toLowerCase();
      if (type === "submit") {
        buttons.push({ name, value: value ?? "" });
      } else if (name !== undefined && type !== "button" && type !== "reset") {
        const isBox = type === "checkbox" || type === "radio";
        if (!isBox || attributes.has("checked")) fields.set(name, value ?? (isBox ? "on" : ""));
      }
    }
    return {
      action: new URL(form.get("action") || pageUrl.href, pageUrl),
      method: form.get("method")?.toUpperCase() === "POST" ? "POST" : "GET",
      fields,
      buttons,
    };
  });
}

/** The text that a page shows, without its markup, its style and its white space. */
export function readText(html: string): string {
  return decodeEntities(
    html
      .replace(/<(style|script|title|head)\b[\s\S]*?<\/\1>/gi, " ")
      .replace(/<[^>]*>/g, " ")
      .replace(/\s+/g, " ")
      .trim(),
  );
}

function readAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = "", doubleQuoted, singleQuoted, bare] of text.matchAll(
    /([^\s=/>"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/g,
  )) {
    attributes.set(name.toLowerCase(), decodeEntities(doubleQuoted ?? singleQuoted ?? bare ?? ""));
  }
  return attributes;
}

const namedEntities = new Map(Object.entries({ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " }));

function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|([a-z]+));/gi, (entity, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number.parseInt(decimal, 10));
    return namedEntities.get(String(name).toLowerCase()) ?? entity;
  });
}
