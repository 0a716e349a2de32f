import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { pathBelow, wellKnownUrl } from "../oauth/paths.ts";

/** What a mount says of itself. */
export interface MountPlace {
  /** The path of the router that it is in. Default: the root of the application. */
  readonly below?: string;
  /** Whether its options say how the paths that it gets differ from the public ones. */
  readonly mapsPaths?: boolean;
}

type WatchSettings = Pick<ProviderConfiguration, "baseUrl" | "reporter" | "resource">;

/** Longer hosts and paths are nobody's mistake, and are not looked at. */
const maxLength = 300;

/** Names that are for the inside of a network: a proxy may call this server by one. */
const inside = /\.(?:internal|intranet|local|localdomain|lan|corp|home|svc|test|docker)$/;

/** How many requests without a token are pointed to the metadata before it is strange that nobody asks for it. */
const strangeChallenges = 5;

/**
 * Sees from the requests that come whether a provider is mounted where its base URL says, and tells the operator of what
 * cannot work, once. A mount that serves too little is silent otherwise: what it does not serve, somebody else answers.
 */
export class MountWatch {
  readonly #settings: WatchSettings;
  /** The path of the base URL, without a slash at its end. */
  readonly #basePath: string;
  readonly #mcpPath: string;
  /** The paths of the endpoints, without the metadata's. */
  readonly #endpoints: ReadonlySet<string>;
  /** The paths that nobody but this provider has: of its metadata by RFC 8414 and RFC 9728, and its callback. */
  readonly #ownPaths: readonly string[];
  readonly #hostname: string;
  #isMounted = false;
  #mapsPaths = false;
  #challenges = 0;
  #isFound = false;

  constructor(settings: WatchSettings, endpoints: readonly string[], ownPaths: readonly string[]) {
    this.#settings = settings;
    this.#basePath = pathBelow(settings.baseUrl);
    this.#mcpPath = new URL(settings.resource).pathname;
    this.#hostname = new URL(settings.baseUrl).hostname;
    this.#endpoints = new Set(endpoints);
    this.#ownPaths = ownPaths;
  }

  /** A mount was made, or has got a request. */
  mounted({ below = "", mapsPaths = false }: MountPlace = {}): void {
    this.#isMounted = true;
    this.#mapsPaths ||= mapsPaths;
    if (below === "" || mapsPaths) return;
    const { baseUrl } = this.#settings;
    this.#warn(
      "mounted-under-a-path",
      `pangeaAuth(provider) is mounted under ${below}, so requests for ${wellKnownUrl(baseUrl, "oauth-authorization-server")} never come to it, and clients look there. Mount it at the root of the application, app.use(pangeaAuth(provider)), and let mcpBaseUrl end in the path under which it is to be served (now it is ${baseUrl}).`,
    );
  }

  /** A client asked for the metadata. */
  found(): void {
    this.#isFound = true;
  }

  /** A request came to a mount whose path is none of this provider's. */
  unserved(path: string): void {
    this.#isMounted = true;
    if (this.#hasWrongSlashes(path)) {
      this.#warnOfSlashes(path);
      return;
    }
    if (this.#mapsPaths || this.#settings.reporter.hasNoticed("path-prefix")) return;
    if (this.#basePath !== "" && this.#endpoints.has(this.#removedFrom(path) + path))
      this.#warnOfPrefix(path, "removes");
    else if (this.#ownPaths.some((own) => path.length > own.length && path.endsWith(own))) {
      // A client looks for metadata below the MCP endpoint too.
      if (!path.startsWith(`${this.#mcpPath}/`)) this.#warnOfPrefix(path, "adds");
    }
  }

  /**
   * A request without a token came to the guard, and was pointed to the metadata.
   *
   * @param host - The host that the request was sent to, as a proxy says or the client itself.
   */
  challenged(url: string | undefined, host?: string | null): void {
    const path = url === undefined ? undefined : pathOf(url);
    this.#lookAtHost(host ?? "");
    // A client looks for metadata in many places.
    if (path !== undefined && !this.#mapsPaths && !path.includes("/.well-known/")) this.#lookAtGuarded(path);
    if (path !== undefined && this.#ownPaths.includes(path)) {
      this.#warn(
        "guard-before-mount",
        `A request for ${shown(path)}, which is for everybody, came to the guard. Mount the routes before it: first app.use(pangeaAuth(provider)), then requireBearer(provider), and that for the MCP endpoint only.`,
      );
    }
    if (!this.#isMounted) {
      this.#warn(
        "not-mounted",
        `A request to the MCP endpoint was refused and pointed to ${this.#metadataUrl}, and nothing in this process has served that. Mount the routes before the guard, such as app.use(pangeaAuth(provider)); where another process serves them, or a handler of yours by provider.fetch, all is well.`,
      );
    }
    if (this.isElsewhere(url)) return;
    this.#challenges += 1;
    if (this.#challenges === strangeChallenges && this.#isMounted && !this.#isFound) {
      this.#warn(
        "metadata-not-asked",
        `${strangeChallenges} requests to the MCP endpoint were refused and pointed to ${this.#metadataUrl}, and nobody has asked this process for it. Let the proxy pass /.well-known/ on to this server, and mount the routes at the root of the application.`,
      );
    }
  }

  /** A client goes by the name under which it knows the server, and this server knows one name of its own. */
  #lookAtHost(given: string): void {
    if (this.#settings.reporter.hasNoticed("other-host")) return;
    const [first = ""] = given.slice(0, maxLength).split(",");
    const name = first
      .trim()
      .toLowerCase()
      .replace(/\.?(?::\d*)?$/, "");
    // An address or a name without a dot, or one that no public name ends in, is what a proxy or a probe calls this process.
    if (name === this.#hostname || !/\.[a-z][a-z\d-]*$/.test(name) || inside.test(name)) return;
    const { baseUrl, resource } = this.#settings;
    this.#warn(
      "other-host",
      `A request came for the host ${shown(name)}, and the base URL is ${baseUrl}. An MCP client that connects to ${shown(name)} is pointed to the metadata of ${resource}, compares the two and refuses to go on. Give mcpBaseUrl the name by which clients connect; where they connect by several, redirect the others there, or run a provider for each. Where only a proxy or a probe calls this server by that name, all is well.`,
    );
  }

  /** Whether a path would be one of this server's if its slashes were right: one where two stand, or none. */
  #hasWrongSlashes(path: string): boolean {
    if (path.length > maxLength) return false;
    const isGlued = this.#basePath !== "" && path.startsWith(this.#basePath) && path[this.#basePath.length] !== "/";
    if (!isGlued && !path.includes("//")) return false;
    const right = isGlued ? `${this.#basePath}/${path.slice(this.#basePath.length)}` : path.replaceAll(/\/{2,}/g, "/");
    return [right, this.#basePath + right].some((each) => {
      return each === this.#mcpPath || this.#endpoints.has(each) || this.#ownPaths.includes(each);
    });
  }

  #warnOfSlashes(path: string): void {
    const { resource } = this.#settings;
    const fault = path.includes("//") ? "which has two slashes in a row" : "which lacks a slash";
    this.#warn(
      "proxy-slashes",
      `A request came for the path ${shown(path)}, ${fault}: no path of this server is like that. Where the location of a proxy and its proxy_pass do not both end in a slash, as in location /prefix { proxy_pass http://…/; }, let both: location /prefix/ { proxy_pass http://…/; }. A client that was given such an address needs the right one: ${resource}.`,
    );
  }

  /**
   * Whether a path is neither the MCP endpoint's nor one that a client looks for metadata at, whatever a proxy puts before it
   * or takes off.
   */
  isElsewhere(url: string | undefined): boolean {
    if (url === undefined) return false;
    const path = pathOf(url).replace(/\/+$/, "");
    const isOwn = this.#ownPaths.some((own) => path.endsWith(own)) || path.includes("/.well-known/");
    return !isOwn && !this.#isOfEndpoint(path);
  }

  #isOfEndpoint(path: string): boolean {
    const endpoint = this.#mcpPath.slice(this.#basePath.length).replace(/\/$/, "");
    const isBelow = path === this.#mcpPath || path.startsWith(`${this.#mcpPath.replace(/\/$/, "")}/`);
    return isBelow || path.endsWith(endpoint);
  }

  #lookAtGuarded(path: string): void {
    if (this.#hasWrongSlashes(path)) {
      this.#warnOfSlashes(path);
      return;
    }
    const isBelow = this.#basePath === "" || path === this.#basePath || path.startsWith(`${this.#basePath}/`);
    if (!isBelow) this.#warnOfPrefix(path, "removes");
    else if (path.length > this.#mcpPath.length && this.#mcpPath !== "/" && path.endsWith(this.#mcpPath)) {
      this.#warnOfPrefix(path, "adds");
    } else if (!path.startsWith(this.#mcpPath) && !this.#mcpPath.startsWith(path)) {
      const { resource } = this.#settings;
      this.#warn(
        "guarded-elsewhere",
        `A request for ${shown(path)} without a token was pointed to the metadata of ${resource}. An MCP client compares the two and refuses to go on: where clients connect to ${shown(path)}, say so by the option mcpPath. For any other API behind the guard all is well.`,
      );
    }
  }

  #warnOfPrefix(path: string, what: "removes" | "adds"): void {
    const { baseUrl } = this.#settings;
    const prefix = path.slice(0, path.length - this.#suffixOf(path).length);
    this.#warn(
      "path-prefix",
      what === "removes"
        ? `A request came for the path ${shown(path)}, which does not lie below the path of the base URL ${baseUrl}. Where a proxy takes the prefix off, let it keep the prefix, or say so: pangeaAuth(provider, { removedPrefix: "${this.#removedFrom(path)}" }).`
        : `A request came for the path ${shown(path)}, and the base URL is ${baseUrl}. Where a proxy or a router puts ${shown(prefix)} before the path, say so: pangeaAuth(provider, { addedPrefix: "${shown(prefix)}" }); where it is part of the public URL, give it to mcpBaseUrl.`,
    );
  }

  /** How much of the path of the base URL a request for this path lacks: a proxy may take off a part of it. */
  #removedFrom(path: string): string {
    for (let end = this.#basePath.indexOf("/", 1); end > 0; end = this.#basePath.indexOf("/", end + 1)) {
      if (path.startsWith(`${this.#basePath.slice(end)}/`)) return this.#basePath.slice(0, end);
    }
    return this.#basePath;
  }

  /** What of a path is this provider's own. */
  #suffixOf(path: string): string {
    return [...this.#ownPaths, this.#mcpPath].find((own) => path.endsWith(own)) ?? "";
  }

  get #metadataUrl(): string {
    return wellKnownUrl(this.#settings.resource, "oauth-protected-resource");
  }

  #warn(topic: string, message: string): void {
    this.#settings.reporter.notice("warn", topic, message);
  }
}

function pathOf(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "");
}

/** A path is its sender's text, and as long as the sender likes. */
function shown(path: string): string {
  return path.slice(0, 80).replaceAll(/[^\w./~:@!$&'()*+,;=-]/g, "?");
}
