import { defaultEmulatorPassword, defaultEmulatorUser } from "../../emulator/authn/defaults.ts";
import { configureConsent } from "../../provider/configuration/consent-configuration.ts";
import type { Answer } from "../../provider/http/answer.ts";
import { escapeHtml, pageHeaders, renderPage } from "../../provider/http/pages/page.ts";

/** What a browser can open of the demo's server, beside the way of a login that an MCP client begins: a path and what it is. */
const links: readonly (readonly [path: string, text: string])[] = [
  ["/account", "What you have allowed, and how to end it"],
  ["/.well-known/oauth-protected-resource/mcp", "What an MCP client reads first"],
  ["/.well-known/oauth-authorization-server", "What the authorization server says of itself"],
];

/** The page at the root of the demo's server: what to open here, and what a client connects to. */
export function startPage(baseUrl: string): Answer {
  const appearance = configureConsent({ brandName: "The demo" }, baseUrl, ["user"]);
  const items = links.map(([path, text]) => `<li><a href="${path}">${escapeHtml(text)}</a></li>`);
  const title = "An MCP server behind Pangea AuthN";
  const html = renderPage(
    appearance,
    title,
    `<h1>${title}</h1>
<p>Connect an MCP client, such as the MCP Inspector, to this address. It opens your browser for the login.</p>
<p><code class="address">${escapeHtml(baseUrl)}/mcp</code></p>
<p>Log in as <code>${escapeHtml(defaultEmulatorUser.username)}</code> with the password
<code>${escapeHtml(defaultEmulatorPassword)}</code>.</p>
<ul>
${items.join("\n")}
</ul>`,
  );
  return { status: 200, headers: pageHeaders(appearance, { hasForm: false }), text: html };
}
