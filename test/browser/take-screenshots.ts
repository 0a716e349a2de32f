/**
 * Takes the pictures of the consent and error pages that the documentation shows, at phone and desktop width, light and
 * dark: `npx node test/browser/take-screenshots.ts [folder]`. Look at them after a change to the pages.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openAuthorizationScene, openPage } from "./authorization-scene.ts";
import { startWebClient } from "./web-client.ts";

const folder = process.argv[2] ?? "docs/pages";
const viewports = { phone: { width: 390, height: 760 }, desktop: { width: 900, height: 680 } };

await mkdir(folder, { recursive: true });
await using scene = await openAuthorizationScene({
  consent: {
    brandName: "Acme Notes",
    scopeDescriptions: { user: "Read your notes" },
    upstreamScopeDescriptions: { user: "Your name and e-mail address" },
  },
});
const client = await scene.startClient("Scribe");
const distant = `https://app.example/integrations/mcp/oauth/callback?tenant=${"0a1b2c3d".repeat(4)}`;
const unnamed = await startWebClient(scene.server.baseUrl, "", { redirect_uris: [distant] });
const pages = {
  consent: client.authorizationUrl(),
  unnamed: unnamed.authorizationUrl({ redirect_uri: distant }),
  leave: unnamed.authorizationUrl({ redirect_uri: distant, resource: "https://other.example/mcp" }),
  error: `${scene.server.baseUrl}/authorize?client_id=nobody`,
};
for (const [size, viewport] of Object.entries(viewports)) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [name, url] of Object.entries(pages)) {
      const page = await openPage(scene, { viewport, colorScheme });
      await page.goto(url);
      await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`), fullPage: true });
    }
  }
}
await unnamed[Symbol.asyncDispose]();
