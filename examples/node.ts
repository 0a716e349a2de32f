import { createServer } from "node:http";
import { protectMcp } from "pangea-authn-fastmcp/node";
import { announce, createProvider, host, port } from "./settings.ts";
import { serveWhoami } from "./whoami.ts";

const provider = await createProvider();
const listener = protectMcp(provider, (request, response) => serveWhoami(provider, request, response));

createServer((request, response) => void listener(request, response)).listen(port, host, announce);
