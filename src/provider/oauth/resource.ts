/**
 * Compares two resource indicators (RFC 8707) as URLs: scheme and host without case, dot segments resolved, one trailing
 * slash forgiven, everything else to the letter.
 */
export function isSameResource(one: string | URL, other: string | URL): boolean {
  const left = comparable(one);
  return left !== undefined && left === comparable(other);
}

function comparable(resource: string | URL): string | undefined {
  const text = resource.toString();
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (text.includes("#") || url.username !== "" || url.password !== "") return undefined;
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, "")}${url.search}`;
}
