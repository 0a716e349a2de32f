import type { Random } from "./random.ts";

/** Texts that have hurt somebody's parser before. */
export const hostileTexts = [
  "null",
  "undefined",
  "true",
  "NaN",
  "-1",
  "1e999",
  "[]",
  "{}",
  "[object Object]",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "../../etc/passwd",
  "%2e%2e%2f",
  "%00",
  "%",
  "%zz",
  "\u0000",
  "\r\nset-cookie: a=b",
  "\u2028\u2029",
  "\ud800",
  "\u202etxt.exe",
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "' OR 1=1 --",
  "{{7*7}}#{7*7}<%= 7*7 %>",
  "javascript:alert(1)",
  "data:text/html,x",
  "https://evil.example/",
  "https://user:pass@[::1]:99999/#",
  "http://127.0.0.1:1/callback",
  "urn:ietf:params:oauth:token-type:access_token",
  "sha256-x",
  "pmcp_at_",
  "ptu_abcdefghijklmnopqrstuvwxyz234567",
  "a".repeat(5000),
  "é".repeat(400),
  "a b c d e f g h",
  ",;:|\\/",
  "9007199254740993",
  "2038-01-19T03:14:08Z",
] as const;

/** A text that is not far from another one. */
export function mutateText(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  switch (random.below(8)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.below(0x2100)) + text.slice(at);
    case 2:
      return text.slice(0, at) + String.fromCharCode(random.below(128)) + text.slice(at + 1);
    case 3:
      return text + text;
    case 4:
      return text.toUpperCase();
    case 5:
      return ` ${text} `;
    case 6:
      return text.slice(0, at) + random.pick(hostileTexts) + text.slice(at);
    default:
      return [...text].reverse().join("");
  }
}

const hostileValues = [null, true, 0, -1, 1e308, "", "x", [], {}, [null], { a: 1 }] as const;

/** JSON that is not far from other JSON. */
export function mutateJson(random: Random, json: unknown): unknown {
  if (typeof json === "string") return random.oneIn(3) ? random.pick(hostileValues) : mutateText(random, json);
  if (typeof json !== "object" || json === null) return random.pick([...hostileValues, ...hostileTexts]);
  if (Array.isArray(json)) return mutateList(random, json);
  const names = Object.keys(json);
  const copy: Record<string, unknown> = { ...json };
  const name = names.length === 0 ? "x" : random.pick(names);
  switch (random.below(6)) {
    case 0:
      delete copy[name];
      return copy;
    case 1:
      copy[random.pick(hostileTexts)] = random.pick(hostileTexts);
      return copy;
    case 2:
      Object.defineProperty(copy, "__proto__", { value: { polluted: true }, enumerable: true });
      return copy;
    case 3:
      copy[name] = random.pick([...hostileValues, ...hostileTexts]);
      return copy;
    default:
      copy[name] = mutateJson(random, copy[name]);
      return copy;
  }
}

function mutateList(random: Random, list: readonly unknown[]): unknown {
  switch (random.below(5)) {
    case 0:
      return [];
    case 1:
      return [...list, random.pick(hostileValues)];
    case 2:
      return Array.from({ length: 300 }, () => list[0] ?? "x");
    case 3:
      return list.map((value, index) => (index === 0 ? mutateJson(random, value) : value));
    default:
      return random.pick(hostileValues);
  }
}

/** What a store, or an upstream, may hold in place of JSON that was written. */
export function mutateJsonText(random: Random, text: string): string {
  switch (random.below(8)) {
    case 0:
      return mutateText(random, text);
    case 1:
      return random.pick(hostileTexts);
    case 2:
      return `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    case 3:
      return text.replace(/"[A-Za-z]+":/, '"__proto__":');
    default:
      return JSON.stringify(mutateJson(random, JSON.parse(text))) ?? "";
  }
}
