import { serverError, tooManyRequests } from "../http/envelope.ts";
import type { Exchange } from "../http/exchange.ts";
import type { EndingFault } from "./fault.ts";
import type { Stage } from "./fault-plan.ts";

/**
 * Lets a stage of a request's plan come to pass. True where the exchange is over: a fault has ended it, or the emulator
 * is closing, which the signal says.
 */
export async function strike(exchange: Exchange, { waits, ending }: Stage, signal: AbortSignal): Promise<boolean> {
  for (const wait of waits) await wait(signal);
  if (signal.aborted) exchange.cut();
  else if (ending === undefined) return false;
  else end(exchange, ending);
  return true;
}

/** Sends what a fault has in the place of the reply. */
function end(exchange: Exchange, fault: EndingFault): void {
  if (fault.kind === "connection-reset") exchange.cut();
  else if (fault.kind === "html") sendProxyPage(exchange, fault.httpStatus ?? 502);
  else if (fault.kind === "server-error") exchange.send(serverError(fault.httpStatus ?? 503));
  else exchange.send(tooManyRequests, { "Retry-After": String(Math.ceil(fault.retryAfterSeconds ?? 1)) });
}

function sendProxyPage(exchange: Exchange, httpStatus: number): void {
  const title = `${httpStatus} from a proxy`;
  const html = `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
  exchange.write(httpStatus, { "Content-Type": "text/html; charset=utf-8" }, html);
}
