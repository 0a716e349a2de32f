import { isLoopbackHost } from "../../option-checks.ts";
import type { Finding } from "../../storage/finding.ts";
import { tlsFaultOf } from "../../storage/tls-failure.ts";
import { parseJson } from "../oauth/parse-json.ts";
import { paths, wellKnownUrl } from "../oauth/paths.ts";
import { codesOf, describeFailure } from "../reporting/failure-description.ts";
import type { Examined } from "./diagnose.ts";

/** How long the server itself may take to answer, in milliseconds. */
const timeout = 5000;

/** Looks at this server as a client does: at its public URL, for its metadata. */
export async function checkPublicUrl({ baseUrl, issuer, resource }: Examined): Promise<Finding[]> {
  const address = addressFinding(baseUrl);
  const server = await documentFinding(wellKnownUrl(issuer, "oauth-authorization-server"), "issuer", issuer);
  // Where nothing answers, there is nothing else to ask.
  if (server.status === "warning") return [address, server];
  const document = await documentFinding(wellKnownUrl(resource, "oauth-protected-resource"), "resource", resource);
  return [address, server, document, await endpointFinding(baseUrl + paths.token)];
}

function addressFinding(baseUrl: string): Finding {
  const check = "https";
  const { hostname, protocol } = new URL(baseUrl);
  if (protocol === "https:") return { check, status: "ok", what: `The public URL is ${baseUrl}, by https.` };
  const what = `The public URL is ${baseUrl}, by http.`;
  if (isLoopbackHost(hostname)) {
    return { check, status: "ok", what: `${what} That is for this computer only.` };
  }
  const why = "Tokens would travel in the open.";
  return { check, status: "error", what, why, remedy: "Take an https URL." };
}

async function documentFinding(url: string, member: "issuer" | "resource", own: string): Promise<Finding> {
  const check = member === "issuer" ? "public-url" : "resource-metadata";
  const why = "Clients look for it there first, and cannot log in without it.";
  let status: number;
  let body: unknown;
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(timeout) });
    status = response.status;
    body = parseJson(await response.text());
  } catch (failure) {
    const codes = codesOf(describeFailure(failure));
    const fault = tlsFaultOf(failure, url);
    return {
      check,
      status: "warning",
      what: `${url} could not be asked for${codes.length > 0 ? ` (${codes.join(", ")})` : ""}.`,
      why: "Whether clients find this server cannot be said.",
      remedy: fault?.advice ?? "Start the server, then run this again, from where clients are.",
    };
  }
  const named = typeof body === "object" && body !== null ? Reflect.get(body, member) : undefined;
  if (status === 200 && named === own) {
    return { check, status: "ok", what: `${url} answers with this server's metadata.` };
  }
  const isOther = status === 200 && named !== undefined;
  return {
    check,
    status: "error",
    what: isOther
      ? `${url} answers with the metadata of another ${member}.`
      : `${url} answers with status ${status}, and without this server's metadata.`,
    why,
    remedy: isOther
      ? "Make the base URL of the configuration the one by which clients reach this server."
      : "Mount the routes, as app.use(pangeaAuth(provider)) does, at the root; and let the proxy pass /.well-known/ on.",
  };
}

/** Asks the token endpoint for nothing: it answers with an OAuth error, and whatever else is there with something else. */
async function endpointFinding(url: string): Promise<Finding> {
  const check = "endpoints";
  try {
    const response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(),
      redirect: "manual",
      signal: AbortSignal.timeout(timeout),
    });
    const body = parseJson(await response.text());
    const isOurs = typeof body === "object" && body !== null && "error_description" in body;
    if (isOurs) return { check, status: "ok", what: `${url} answers as the token endpoint does.` };
    return {
      check,
      status: "error",
      what: `${url} answers with status ${response.status}, and not as the token endpoint does.`,
      why: "Clients find the metadata and cannot go on from there.",
      remedy:
        "Where a proxy changes the path, say so: pangeaAuth(provider, { removedPrefix }) or { addedPrefix }; else mount the routes at the root.",
    };
  } catch {
    return {
      check,
      status: "warning",
      what: `${url} did not answer.`,
      why: "Whether clients get through cannot be said.",
      remedy: "Run this again.",
    };
  }
}
