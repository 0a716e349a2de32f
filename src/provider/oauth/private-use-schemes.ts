import { requireThat } from "../../option-checks.ts";

/**
 * Schemes that run, read, install or address something other than an application's callback, on any system. Nobody may
 * register them, and no configuration allows them.
 */
const harmfulSchemes: ReadonlySet<string> = new Set(
  (
    "about blob chrome chrome-extension data edge file filesystem ftp jar javascript livescript moz-extension resource " +
    "vbscript view-source wss ws mailto sms tel callto facetime facetime-audio urn " +
    "android-app content intent market itms itms-apps itms-appss itms-services prefs app-prefs " +
    "cmd help hcp its mk powershell res search search-ms shell windowsdefender " +
    "afp apt appstream cifs dav davs ldap ldaps magnet nfs rdp sftp smb snap ssh steam telnet vnc webcal"
  ).split(" "),
);

/** Those of the systems themselves, which have a whole family each. */
const systemSchemes = /^(?:ms-|microsoft[.-]|windows[.-]|android\.|x-apple|com\.apple\.|x-man-page|web\+|ext\+)/;

/**
 * The schemes of applications that take the answer to an MCP login by one, without a dot in the scheme.
 *
 * - `cursor`: {@link https://github.com/better-auth/better-auth/issues/10946 cursor://anysphere.cursor-mcp/oauth/callback}
 * - `vscode`, `vscode-insiders`, `vscodium`, `code-oss`, `positron`: VS Code and its builds, whose extensions (such as
 *   {@link https://github.com/ascending-llc/jarvis-registry/pull/430 Cline}) go by the scheme of the build that they run in
 * - `windsurf`, `kiro`, `antigravity`, `trae`: builds of VS Code by others, with the same habit
 * - `zed`: `zed://mcp/oauth/callback`, as Zed's source has it
 * - `claude`, to which Claude's own callback page leads on:
 *   {@link https://github.com/PrefectHQ/fastmcp/issues/3369 claude://claude.ai}
 * - `grokbot`: {@link https://github.com/cursor/plugins/pull/461 grokbot://mcp/oauth/callback}
 * - `chatgpt`, `codex`, `opencode`, as {@link https://github.com/trypostit/trypost/pull/336 another server} lists them
 * - `goose`, `raycast`, `warp` (`warp://mcp/oauth2callback`), `cherrystudio`, `lmstudio`
 */
const applicationSchemes: ReadonlySet<string> = new Set([
  "antigravity",
  "chatgpt",
  "cherrystudio",
  "claude",
  "code-oss",
  "codex",
  "cursor",
  "goose",
  "grokbot",
  "kiro",
  "lmstudio",
  "opencode",
  "positron",
  "raycast",
  "trae",
  "vscode",
  "vscode-insiders",
  "vscodium",
  "warp",
  "windsurf",
  "windsurf-next",
  "zed",
]);

/** A scheme that is made of a domain name, as {@link https://www.rfc-editor.org/rfc/rfc8252#section-7.1 RFC 8252} asks. */
const domainScheme = /^[a-z][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+$/;

/** True for a scheme that leads to more than a callback, whoever asks for it. */
export function isHarmfulScheme(scheme: string): boolean {
  return harmfulSchemes.has(scheme) || systemSchemes.test(scheme);
}

/**
 * True for a private-use scheme that a client may register: that of a known application, one that is made of a domain
 * name, or one that the configuration names.
 */
export function isAllowedScheme(scheme: string, configured: readonly string[]): boolean {
  if (isHarmfulScheme(scheme)) return false;
  return applicationSchemes.has(scheme) || domainScheme.test(scheme) || configured.includes(scheme);
}

/** @throws {ConfigurationError} when the value is not a list of private-use schemes, or names one that does harm. */
export function requirePrivateUseSchemes(name: string, value: unknown): readonly string[] {
  const isList = Array.isArray(value) && value.every((scheme) => typeof scheme === "string");
  requireThat(isList, `${name} must be a list of schemes without a colon, such as ["myapp"].`);
  const schemes = value.map((scheme: string) => scheme.toLowerCase());
  for (const scheme of schemes) {
    const isScheme = /^[a-z][a-z0-9+.-]*$/.test(scheme) && !/^https?$/.test(scheme);
    requireThat(isScheme, `${name} lists "${scheme}", which is no private-use scheme; write it without a colon.`);
    requireThat(!isHarmfulScheme(scheme), `${name} must not list "${scheme}": it leads to more than a callback.`);
  }
  return schemes;
}
