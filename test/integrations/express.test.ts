import { createMcpExpressApp } from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import express, { type Express } from "express";
import type { McpOAuthProvider } from "../../src/index.ts";
import { pangeaAuth, requireBearer } from "../../src/integrations/express.ts";
import { describeMount } from "../support/mount-suite.ts";
import { onNodeServer } from "../support/protected-server.ts";
import { createWhoamiHandlerV2, serveWhoamiV1 } from "../support/whoami-server.ts";

function behindNothing(provider: McpOAuthProvider): Express {
  const app = express();
  app.use(pangeaAuth(provider));
  app.all("/mcp", requireBearer(provider), (request, response) => serveWhoamiV1(provider, request, response));
  return app;
}

function behindBodyParsers(provider: McpOAuthProvider): Express {
  const app = express();
  app.use(express.json(), express.urlencoded({ extended: true }));
  app.use(pangeaAuth(provider));
  app.all("/mcp", requireBearer(provider), (request, response) => serveWhoamiV1(provider, request, response));
  return app;
}

function withSdkV2(provider: McpOAuthProvider): Express {
  const app = createMcpExpressApp();
  const mcp = toNodeHandler(createWhoamiHandlerV2(provider));
  app.use(pangeaAuth(provider));
  app.all("/mcp", requireBearer(provider), (request, response) => mcp(request, response, request.body));
  return app;
}

describeMount("the mount for Express", onNodeServer(behindNothing));
describeMount("the mount for Express behind body parsers", onNodeServer(behindBodyParsers));
describeMount("the mount for Express in an application of the MCP SDK v2", onNodeServer(withSdkV2));
