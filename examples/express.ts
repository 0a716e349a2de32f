import express from "express";
import { pangeaAuth, requireBearer } from "pangea-authn-fastmcp/express";
import { announce, createProvider, host, port } from "./settings.ts";
import { serveWhoami } from "./whoami.ts";

const provider = await createProvider();
const app = express();

app.use(pangeaAuth(provider));
app.all("/mcp", requireBearer(provider), (request, response) => serveWhoami(provider, request, response));

app.listen(port, host, announce);
