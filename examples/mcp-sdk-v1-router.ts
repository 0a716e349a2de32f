import { mcpAuthRouter } from "@modelcontextprotocol/sdk/server/auth/router.js";
import express from "express";
import { pangeaAuth, requireBearer } from "pangea-authn-fastmcp/express";
import { toMcpSdkV1Provider } from "pangea-authn-fastmcp/mcp-sdk-v1";
import { announce, baseUrl, createProvider, host, port } from "./settings.ts";
import { serveWhoami } from "./whoami.ts";

// For servers that stand on the SDK's router already. It writes the issuer with a slash at the end.
const issuerUrl = new URL(baseUrl);
const provider = await createProvider({ mcpIssuerUrl: issuerUrl.href });
const resourceServerUrl = new URL(provider.resource);
const app = express();

app.use(mcpAuthRouter({ provider: toMcpSdkV1Provider(provider), issuerUrl, resourceServerUrl }));
app.use(pangeaAuth(provider));
app.all("/mcp", requireBearer(provider), (request, response) => serveWhoami(provider, request, response));

app.listen(port, host, announce);
