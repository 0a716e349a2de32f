import type { ProvedRule } from "../support/prove-rules.ts";

/** openid-client checks the same claims once more: both have to go before such a token gets in. */
const withoutChecksOfTheClient: ProvedRule["edits"][number] = [
  "provider/upstream/client-requests.ts",
  "client.authorizationCodeGrant(configuration, answered, { ...checks, pkceCodeVerifier: codeVerifier });",
  `(configuration[client.customFetch] ?? fetch)(String(configuration.serverMetadata().token_endpoint), {
        method: "POST",
        body: new URLSearchParams({ code, codeVerifier, answered: answered.href, checks: typeof checks }),
        headers: {},
        redirect: "manual",
      }).then((response) => response.json());`,
];

/** The rule that stops each attack, and how to take it out. */
export const attackRules: readonly ProvedRule[] = [
  {
    name: "Confused deputy by a remembered consent",
    tests: ["confused-deputy-by-a-remembered-consent"],
    edits: [
      ["provider/login/consent.ts", "return hashOf([clientId, uri]);", "return hashOf([uri && clientId && '']);"],
    ],
  },
  {
    name: "Consent of another person",
    tests: ["confused-deputy-by-a-remembered-consent"],
    edits: [
      [
        "provider/login/decision.ts",
        "return decisions.find((decision) => decision.subject === undefined || decision.subject === person);",
        "return person === '' ? undefined : decisions[0];",
      ],
    ],
  },
  {
    name: "Consent to less than refresh tokens",
    tests: ["confused-deputy-by-a-remembered-consent"],
    edits: [
      [
        "provider/login/consent.ts",
        "const scopes = request.offlineAccess ? [...opened, offlineAccess] : opened;",
        "const scopes = [...opened];",
      ],
    ],
  },
  {
    name: "Consent in another browser",
    tests: ["confused-deputy-by-a-remembered-consent"],
    edits: [
      [
        "provider/login/consent.ts",
        "this.#remembered.openWithAny(decisions, secrets),",
        "this.#remembered.openWithAny(decisions, ['']),",
      ],
      ["provider/login/consent.ts", "this.#remembered.seal(latest, secret);", "this.#remembered.seal(latest, '');"],
    ],
  },
  {
    name: "Consent after a revocation",
    tests: ["confused-deputy-by-a-remembered-consent"],
    edits: [
      [
        "provider/grants/grants.ts",
        "await revokeConsent({ ...this.#parts, resource: server }, { subject, upstreamIssuer: issuer }, clientId);",
        "{}",
      ],
      [
        "provider/grants/grant-directory.ts",
        "if (subject !== undefined) await grants.forgetConsent({ subject, upstreamIssuer }, clientId);",
        "",
      ],
    ],
  },
  {
    name: "Consent that is remembered for too long",
    tests: ["confused-deputy-by-a-remembered-consent"],
    edits: [
      [
        "provider/login/consent.ts",
        "this.#now() < decidedAt + this.#rememberSeconds",
        "this.#now() < decidedAt + 90 * 86_400",
      ],
    ],
  },
  {
    name: "Consent at another server",
    tests: ["confused-deputy-by-a-remembered-consent"],
    edits: [
      ["provider/configuration/upstream.ts", "KeyRing.from(given, { context: issuer })", "KeyRing.from(given, {})"],
    ],
  },
  {
    name: "Planted cookie",
    tests: ["planted-cookie"],
    edits: [
      [
        "provider/http/cookies.ts",
        'return header("sec-fetch-site") !== null && !isWebKit;',
        'return header("sec-fetch-site") === "" && !isWebKit;',
      ],
    ],
  },
  {
    name: "Planted cookie and a form of another site",
    tests: ["planted-cookie"],
    edits: [
      [
        "provider/http/own-page.ts",
        'if (site === null ? isOurs : site === "same-origin" && (isOurs || origin === null || origin === "null")) return;',
        'if (site === "" || isOurs || origin === null || origin === "null") return;',
      ],
    ],
  },
  {
    name: "Code injection",
    tests: ["authorization-code-injection-and-replay"],
    edits: [
      [
        "provider/tokens/code-redemption.ts",
        "const isProven = isVerifierOf(codeVerifier, record.codeChallenge);",
        "const isProven = codeVerifier !== undefined;",
      ],
    ],
  },
  {
    name: "Code replay",
    tests: ["authorization-code-injection-and-replay"],
    edits: [
      [
        "provider/tokens/code-redemption.ts",
        "if ((grant ?? record)?.clientId === clientId) {",
        "if (clientId === undefined) {",
      ],
    ],
  },
  {
    name: "Mix-up",
    tests: ["mix-up"],
    edits: [["provider/login/login.ts", ", iss: issuer };", " };"]],
  },
  {
    name: "Forgery at consent",
    tests: ["cross-site-request-forgery"],
    edits: [["provider/http/authorization-endpoint.ts", "requireOwnPage(request, this.#configuration.baseUrl);", ""]],
  },
  {
    name: "Login fixation",
    tests: ["login-fixation"],
    edits: [
      [
        "provider/http/cookies.ts",
        "return this.#received.find(({ name }) => name === this.#loginName(loginNames, state))?.value;",
        "return planted.get(this.#loginName(loginNames, state));",
      ],
      [
        "provider/http/cookies.ts",
        "[this.#keep(begun, login.maxAgeSeconds)]",
        "[(planted.set(begun.name, begun.value), this.#keep(begun, login.maxAgeSeconds))]",
      ],
      ["provider/http/cookies.ts", "export class", "const planted = new Map<string, string>();\nexport class"],
    ],
  },
  {
    name: "Account page in another browser",
    tests: ["account-page"],
    edits: [
      [
        "provider/login/account-sessions.ts",
        "const places = browserSecrets.map((secret) => placeOf(id, secret));",
        'const places = [...browserSecrets, ""].map(() => placeOf(id, ""));',
      ],
      [
        "provider/login/account-sessions.ts",
        "sealed: this.#sealed.seal(session, placeOf(id, browserSecret)),",
        'sealed: this.#sealed.seal(session, placeOf(id, browserSecret && "")),',
      ],
    ],
  },
  {
    name: "Account page in a frame",
    tests: ["account-page"],
    edits: [
      ["provider/http/pages/page.ts", `"frame-ancestors 'none'",`, ""],
      ["provider/http/pages/page.ts", '"x-frame-options": "DENY",', ""],
    ],
  },
  {
    name: "Forgery at the account page",
    tests: ["account-page"],
    edits: [["provider/http/account-endpoint.ts", "requireOwnPage(request, this.#settings.baseUrl);", ""]],
  },
  {
    name: "A page of an earlier account session",
    tests: ["account-page"],
    edits: [
      [
        "provider/http/account-endpoint.ts",
        'if (!this.#sessions.isOwnForm(session, form.get("form"))) {',
        'if (this.#sessions.isOwnForm(session, "")) {',
      ],
    ],
  },
  {
    name: "Account session after the sign-out",
    tests: ["account-page"],
    edits: [
      [
        "provider/login/account-sessions.ts",
        "await this.#parts.repositories.accountSessions.delete(accountSessionKey(id));",
        "accountSessionKey(id);",
      ],
    ],
  },
  {
    name: "Account session after its time",
    tests: ["account-page"],
    edits: [
      [
        "provider/login/account-sessions.ts",
        "return session === undefined || session.expiresAt <= this.#parts.now() ? undefined : { ...session, id };",
        "return session === undefined ? undefined : { ...session, id };",
      ],
    ],
  },
  {
    name: "The cookie of an account session as a token",
    tests: ["account-page"],
    edits: [
      [
        "provider/tokens/access-token-verifier.ts",
        "if (ours === undefined && !isPythonAccessToken(token)) throw invalidToken();",
        "if (ours === undefined && (await repositories.accountSessions.get(accountSessionKey(token))) !== undefined)\n    return { token, clientId: '', scopes: [], expiresAt: time() + 1, resource: new URL(resource), extra: {} };",
      ],
      [
        "provider/tokens/access-token-verifier.ts",
        "import { accessTokenKey, grantIdOf }",
        "import { accessTokenKey, accountSessionKey, grantIdOf }",
      ],
    ],
  },
  {
    name: "A token as the cookie of an account session",
    tests: ["account-page"],
    edits: [
      [
        "provider/login/account-sessions.ts",
        "if (id === undefined || !idForm.test(id)) return undefined;",
        'if (id === undefined) return undefined;\n    const token = await this.#parts.repositories.accessTokens.get(accessTokenKey(id));\n    if (token?.subject !== undefined) return { subject: token.subject, upstreamIssuer: "https://login.fake.example", expiresAt: token.expiresAt ?? 0, id };',
      ],
      [
        "provider/login/account-sessions.ts",
        "import { accountSessionKey }",
        "import { accessTokenKey, accountSessionKey }",
      ],
    ],
  },
  {
    name: "Ending somebody else's grant",
    tests: ["account-page"],
    edits: [["provider/http/account-endpoint.ts", "!this.#isOf(grant, user) ||", ""]],
  },
  {
    name: "A client's login that opens the account",
    tests: ["account-page"],
    edits: [
      ["provider/login/account-login.ts", 'derive("account login")', 'derive("login transaction")'],
      ["provider/login/account-login.ts", "z.strictObject({})", "z.object({})"],
      [
        "provider/login/login.ts",
        "upstreamTransaction(aboutSchema),\n      shortNames,",
        "upstreamTransaction(aboutSchema),",
      ],
    ],
  },
  {
    name: "Login fixation at the account page",
    tests: ["account-page"],
    edits: [
      [
        "provider/http/cookies.ts",
        "return this.#received.find(({ name }) => name === this.#loginName(signInNames, state))?.value;",
        "return planted.get(this.#loginName(signInNames, state));",
      ],
      [
        "provider/http/cookies.ts",
        "[this.#keep(begun, login.maxAgeSeconds)]",
        "[(planted.set(begun.name, begun.value), this.#keep(begun, login.maxAgeSeconds))]",
      ],
      ["provider/http/cookies.ts", "export class", "const planted = new Map<string, string>();\nexport class"],
    ],
  },
  {
    name: "Open redirect",
    tests: ["open-redirect"],
    edits: [
      [
        "provider/login/authorization-request.ts",
        "if (!matchesRedirectUri(registered, redirectUri, client.normalisedRedirectUris)) {",
        "if (matchesRedirectUri === undefined) {",
      ],
    ],
  },
  {
    name: "Error that leads to a stranger's site",
    tests: ["open-redirect-by-an-error"],
    edits: [
      [
        "provider/http/authorization-endpoint.ts",
        'if (this.#maySendUnasked(trusted, cookies)) return this.#errors.sendFailure("authorize", browser, to, failure);',
        'if (this.#maySendUnasked(trusted, cookies) || true) return this.#errors.sendFailure("authorize", browser, to, failure);',
      ],
    ],
  },
  {
    name: "Error that leads to another address of an allowed client",
    tests: ["open-redirect-by-an-error"],
    edits: [["provider/login/consent.ts", "return hashOf([clientId, uri]);", "return hashOf([uri && clientId]);"]],
  },
  {
    name: "Harmful scheme at registration",
    tests: ["harmful-schemes"],
    edits: [
      [
        "provider/oauth/redirect-uri.ts",
        'if (scheme === "http" || scheme === "https" || isAllowedScheme(scheme, privateUseSchemes)) return;',
        "if (isAllowedScheme(scheme, privateUseSchemes) || uri.length > 0) return;",
      ],
    ],
  },
  {
    name: "Harmful scheme by configuration",
    tests: ["harmful-schemes"],
    edits: [
      [
        "provider/oauth/private-use-schemes.ts",
        "return harmfulSchemes.has(scheme) || systemSchemes.test(scheme);",
        "return harmfulSchemes.has(scheme) && systemSchemes.test(scheme);",
      ],
    ],
  },
  {
    name: "Redirect URI tricks",
    tests: ["redirect-uri-tricks"],
    edits: [["provider/oauth/redirect-uri.ts", "candidate === requested ||", "isSameUrl(candidate, requested) ||"]],
  },
  {
    name: "PKCE downgrade",
    tests: ["pkce-downgrade"],
    edits: [
      [
        "provider/login/authorization-request.ts",
        'if (parameters.get("code_challenge_method") !== "S256") throw',
        'if (parameters.get("code_challenge_method") === "none") throw',
      ],
    ],
  },
  {
    name: "Scope widening on refresh",
    tests: ["scope-widening-on-refresh"],
    edits: [
      [
        "provider/tokens/refresh-rotation.ts",
        "narrowedScopes(parseScope(scope), this.#parts.scopeHierarchy.withImplied(scopes), scopes)",
        "narrowedScopes(parseScope(scope), parseScope(scope), scopes)",
      ],
    ],
  },
  {
    name: "Scopes beyond those that clients may have",
    tests: ["scope-widening-on-refresh"],
    edits: [
      [
        "provider/login/authorization-request.ts",
        "scopes: narrowedScopes(asked, allowed, defaults),",
        "scopes: narrowedScopes(asked, allowed && scopes, defaults),",
      ],
    ],
  },
  {
    name: "A spent token shown for more scopes",
    tests: ["shared-refresh-token"],
    edits: [
      [
        "provider/tokens/refresh-rotation.ts",
        "const issuance = { step, grant, scopes: successor.scopes, now, reissuedUntil };",
        "const issuance = { step, grant, scopes: this.#narrowed(grant, request), now, reissuedUntil };",
      ],
    ],
  },
  {
    name: "A shared token after its reuse",
    tests: ["shared-refresh-token"],
    edits: [
      [
        "provider/tokens/refresh-rotation.ts",
        "return afterSuccessor.issuedAt + lifetimes.refreshGrace + tolerance;",
        "return afterSuccessor.issuedAt + lifetimes.refreshGrace + tolerance + 1_000_000;",
      ],
    ],
  },
  {
    name: "A used code put back by a failing attempt",
    tests: ["code-put-back"],
    edits: [
      [
        "provider/tokens/code-redemption.ts",
        "if ((isComplete && unanswered === undefined) || found?.revokedAt !== undefined) return undefined;",
        "if (found?.revokedAt !== undefined) return undefined;",
      ],
      [
        "provider/tokens/code-redemption.ts",
        "if (!hasDecided || wasOvertaken ||",
        "if (!(hasDecided || addsGrant === false) || wasOvertaken ||",
      ],
    ],
  },
  {
    name: "A narrow scope in the place of a broad one",
    tests: ["scope-widening-on-refresh"],
    edits: [
      [
        "provider/oauth/scope-hierarchy.ts",
        "implied.set(scope, reached);",
        "implied.set(scope, reached); for (const narrow of reached) implied.set(narrow, [scope]);",
      ],
    ],
  },
  {
    name: "Token passthrough",
    tests: ["token-passthrough"],
    edits: [
      [
        "provider/tokens/access-token-verifier.ts",
        "if (ours === undefined && !isPythonAccessToken(token)) throw invalidToken();",
        "",
      ],
    ],
  },
  {
    name: "Audience confusion",
    tests: ["audience-confusion"],
    edits: [
      [
        "provider/tokens/access-token-verifier.ts",
        "if (!isFor(resource, record, ours !== undefined)) {",
        "if (false) {",
      ],
    ],
  },
  {
    name: "A resource of a stranger's, asked for here",
    tests: ["audience-confusion"],
    edits: [["provider/oauth/resource.ts", "(given === ours ||", "(given !== '' ||"]],
  },
  {
    name: "Refresh token reuse",
    tests: ["refresh-token-reuse"],
    edits: [
      [
        "provider/tokens/refresh-rotation.ts",
        "await this.#parts.grants.revoke(grantId, { key: step?.key.grantKey });",
        "await Promise.resolve();",
      ],
    ],
  },
  {
    name: "Race on a code",
    tests: ["race-on-code-and-refresh"],
    edits: [
      [
        "provider/tokens/add-once.ts",
        "if (await repository.add(key, record)) return { isFirst: true, stored: record };",
        "await repository.set(key, record);\n    return { isFirst: true, stored: record };",
      ],
    ],
  },
  {
    name: "Race of a redemption and the end of its login",
    tests: ["race-on-code-and-refresh"],
    edits: [
      [
        "provider/tokens/code-redemption.ts",
        "addsGrant ? addOnce(repositories.grants, grantId, grant) : undefined,",
        "addsGrant ? repositories.grants.set(grantId, grant).then(() => ({ isFirst: true, stored: grant })) : undefined,",
      ],
    ],
  },
  {
    name: "Race on a refresh and a revocation",
    tests: ["race-on-code-and-refresh"],
    edits: [
      [
        "provider/tokens/access-token-verifier.ts",
        "if (ours !== undefined && !isLive(grant, now)) throw invalidToken();",
        "",
      ],
    ],
  },
  {
    name: "Race on a refresh and the revocation of its access token",
    tests: ["race-on-code-and-refresh"],
    edits: [
      ["provider/tokens/refresh-rotation.ts", "if (stored?.revokedAt !== undefined) {", "if (stored === null) {"],
    ],
  },
  {
    name: "Reuse of a refresh token whose record is gone",
    tests: ["refresh-token-reuse"],
    edits: [
      [
        "provider/tokens/refresh-rotation.ts",
        "if (shown === undefined) return this.#refuseReuse(credential, grant, undefined);",
        "if (shown === undefined) throw unknownToken();",
      ],
    ],
  },
  {
    name: "Invented codes and refresh tokens",
    tests: ["invented-codes-and-refresh-tokens"],
    edits: [
      [
        "provider/oauth/grant-credential.ts",
        "return isSameText(mac, macOf(key.bytes, read.core)) ? read : undefined;",
        "return mac === '' ? undefined : read;",
      ],
    ],
  },
  {
    name: "Crossing over to another server with the same store and secret",
    tests: ["crossing-over-to-another-server"],
    edits: [
      [
        "provider/configuration/upstream.ts",
        "return KeyRing.from(given, { context: issuer });",
        "return KeyRing.from(given);",
      ],
    ],
  },
  {
    name: "Server-side request forgery",
    tests: ["server-side-request-forgery"],
    edits: [["provider/client-documents/public-address.ts", 'if (parsed.range() !== "unicast") return false;', ""]],
  },
  {
    name: "Registration flood",
    tests: ["registration-flood"],
    edits: [
      ["provider/http/rate-limits.ts", "if (inTotal !== undefined) await", "if (limit === null && inTotal) await"],
    ],
  },
  {
    name: "Registration lockout by a window",
    tests: ["registration-lockout"],
    edits: [["provider/http/token-buckets.ts", "Math.max(0, at - before.at) * this.#gain", "(at - before.at) * 0"]],
  },
  {
    name: "Registration lockout of known clients",
    tests: ["registration-lockout"],
    edits: [
      [
        "provider/clients/registrations.ts",
        "if (record === undefined) {",
        "if (record !== undefined) await beforeAdding();\n    if (record === undefined) {",
      ],
    ],
  },
  {
    name: "Registration lockout by a network of IPv6",
    tests: ["registration-lockout", "registration-flood"],
    edits: [["provider/http/rate-limits.ts", "if (network !== undefined) await", "if (network === '') await"]],
  },
  {
    name: "Registration that another one shortens",
    tests: ["registration-lockout"],
    edits: [
      ["provider/clients/registrations.ts", "} else if (this.#isShort(record)) {", "} else {"],
      ["provider/clients/registrations.ts", "clientId || !this.#isShort(record)) return;", "clientId) return;"],
    ],
  },
  {
    name: "Guessing the client id of others",
    tests: ["registration-lockout"],
    edits: [
      ["provider/clients/client-ids.ts", 'createHmac("sha256", bytes)', 'createHmac("sha256", String(bytes.length))'],
    ],
  },
  {
    name: "Header injection",
    tests: ["header-injection"],
    edits: [
      ["provider/oauth/redirect-uri.ts", String.raw`if (!/^[\x21-\x7e]+$/.test(uri)) refuse`, "if (uri === '') refuse"],
    ],
  },
  {
    name: "Oversized requests",
    tests: ["oversized-and-slow-requests"],
    edits: [["provider/http/request-body.ts", "const maxBodyBytes = 64 * 1024;", "const maxBodyBytes = 256 * 1024;"]],
  },
  {
    name: "Slow requests",
    tests: ["oversized-and-slow-requests"],
    edits: [["provider/http/request-body.ts", "}, timeout).unref();", "}, 2 ** 30).unref();"]],
  },
  {
    name: "Cross-site scripting",
    tests: ["cross-site-scripting"],
    edits: [
      [
        "provider/http/pages/page.ts",
        "return text.replace(/[&<>\"']/g, (character) => entities[character] ?? character);",
        "return text;",
      ],
    ],
  },
  {
    name: "Cache poisoning",
    tests: ["cache-poisoning"],
    edits: [
      [
        "provider/http/responses.ts",
        'const noStore = { "cache-control": "no-store",',
        'const noStore = { "cache-control": "public",',
      ],
    ],
  },
  {
    name: "Timing of secret comparison",
    tests: ["timing-of-secret-comparison"],
    edits: [
      [
        "secrets/constant-time.ts",
        "bytes.length === otherBytes.length && timingSafeEqual(bytes, otherBytes);",
        "one === other;",
      ],
    ],
  },
  {
    name: "A copy of the store",
    tests: ["storage-dump-is-useless"],
    edits: [
      [
        "provider/grants/grant-key.ts",
        'createHmac("sha256", bytes).update(credential).digest()',
        'createHmac("sha256", bytes).update("").digest()',
      ],
    ],
  },
  {
    name: "Offline guessing of the secret that keys follow from",
    tests: ["offline-guessing-of-a-secret"],
    edits: [
      ["secrets/key-ring.ts", "secret.length >= minSecretLength", "secret.length > 0"],
      ["provider/configuration/upstream.ts", "text.length >= minSecretLength", "text.length > 0"],
      [
        "provider/configuration/upstream.ts",
        "const given = secret ?? first.keyMaterial;",
        "const given = first.keyMaterial ?? secret;",
      ],
    ],
  },
  {
    name: "Offline guessing of a configured client's secret",
    tests: ["offline-guessing-of-a-secret"],
    edits: [["provider/clients/client-registry.ts", 'source === "configured" || secretHash', "secretHash"]],
  },
  {
    name: "A client assertion for two audiences",
    tests: ["client-assertion-for-two-audiences"],
    edits: [
      [
        "provider/clients/client-assertions.ts",
        'if (Array.isArray(aud) && aud.length !== 1) throw refused("must be for one audience, this server");',
        "if (aud === null) return;",
      ],
    ],
  },
  {
    name: "A client assertion at two instances",
    tests: ["client-assertion-replay"],
    edits: [
      [
        "provider/clients/client-assertions.ts",
        "return await repositories.clientAssertions.add(key, { clientId, expiresAt: forgetAt });",
        "await repositories.clientAssertions.add(key, { clientId, expiresAt: forgetAt });\n      return true;",
      ],
    ],
  },
  {
    name: "Hammering a client's site",
    tests: ["hammering-a-clients-site"],
    edits: [
      [
        "provider/client-documents/document-cache.ts",
        "if (last !== undefined && last.at <= now && now < last.at + askAgainAfter) {",
        "if (last !== undefined && now < 0) {",
      ],
    ],
  },
  {
    name: "A writer of the store puts old records back",
    tests: ["store-writer-puts-old-records-back"],
    edits: [
      [
        "storage/codecs/sealed.ts",
        "return JSON.stringify([repository, key]);",
        "return (repository + key).slice(0, 0);",
      ],
    ],
  },
  {
    name: "A copy of the store, and a token that was spent",
    tests: ["storage-dump-is-useless"],
    edits: [["provider/tokens/refresh-rotation.ts", "this.#retire(chain.previous, step, now),", ""]],
  },
  {
    name: "A copy of the store of before, and a token that was good then",
    tests: ["storage-dump-is-useless"],
    edits: [
      [
        "provider/grants/grant-key.ts",
        "return new StepKey(this.#grantId, this.grantKey, randomBytes(32));",
        "return new StepKey(this.#grantId, this.grantKey, this.#bytes);",
      ],
    ],
  },
  {
    name: "An upstream that names nobody",
    tests: ["fail-open-identity"],
    edits: [
      [
        "provider/upstream/pangea-authn.ts",
        'if (active !== true || sub === undefined || sub === "") {',
        'if (active === "never") {',
      ],
    ],
  },
  {
    name: "An upstream that refuses to say who has logged in",
    tests: ["fail-open-identity"],
    edits: [
      [
        "provider/upstream/pangea-authn.ts",
        "await this.#post(path, { token }, mayNot)",
        "await this.#post(path, { token }, mayNot).catch(() => ({ active: true, sub: 'anybody' }))",
      ],
    ],
  },
  {
    name: "Any of them, found by chance (the fuzzer, without PKCE)",
    tests: ["../fuzz/fuzz"],
    edits: [
      [
        "provider/tokens/code-redemption.ts",
        "const isProven = isVerifierOf(codeVerifier, record.codeChallenge);",
        "const isProven = codeVerifier !== undefined;",
      ],
    ],
  },
  {
    name: "Mix-up of two upstreams: the callback of another one",
    tests: ["mix-up-of-upstreams"],
    edits: [
      ["provider/login/upstream-login.ts", "if (arrivedAt !== id) throw otherCallback(upstream, arrivedAt);", ""],
    ],
  },
  {
    name: "Mix-up of two upstreams, found by chance (the fuzzer)",
    tests: ["../fuzz/fuzz"],
    edits: [
      ["provider/login/upstream-login.ts", "if (arrivedAt !== id) throw otherCallback(upstream, arrivedAt);", ""],
    ],
  },
  {
    name: "Mix-up of two upstreams: the issuer of another one",
    tests: ["mix-up-of-upstreams"],
    edits: [
      [
        "provider/login/upstream-login.ts",
        "if (issuer !== undefined && !isSameIssuer(issuer, upstream.issuer)) throw otherIssuer(upstream, issuer);",
        "",
      ],
    ],
  },
  {
    name: "The same subject at another upstream",
    tests: ["mix-up-of-upstreams"],
    edits: [
      ["provider/login/consent.ts", "request.resource, upstreamIssuer];", "request.resource, upstreamIssuer && ''];"],
    ],
  },
  {
    name: "A store writer sends a session to another upstream",
    tests: ["mix-up-of-upstreams"],
    edits: [
      [
        "provider/grants/upstream-sessions.ts",
        "upstreamOfRecord(this.#parts, { upstreamIssuer: session.issuer });",
        "upstreamOfRecord(this.#parts, grant);",
      ],
    ],
  },
  {
    name: "ID token of another login (nonce)",
    tests: ["id-token-of-another-login"],
    edits: [
      [
        "provider/upstream/openid-connect.ts",
        'return createHash("sha256").update(`nonce ',
        "if (codeChallenge) return 'nonce';\n  return createHash('sha256').update(`nonce ",
      ],
    ],
  },
  {
    name: "ID token for another client (audience)",
    tests: ["id-token-of-another-login"],
    edits: [["provider/upstream/openid-connect.ts", "audience: this.#options.clientId,", ""], withoutChecksOfTheClient],
  },
  {
    name: "ID token of another issuer",
    tests: ["id-token-of-another-login"],
    edits: [
      ["provider/upstream/openid-connect.ts", "issuer: configuration.serverMetadata().issuer,", ""],
      withoutChecksOfTheClient,
    ],
  },
  {
    name: "ID token that is signed by nobody, by a shared secret or by a stranger",
    tests: ["id-token-of-another-login"],
    edits: [
      ["provider/upstream/openid-connect.ts", 'await this.#verifySignature(reply.id_token ?? "");', ""],
      withoutChecksOfTheClient,
    ],
  },
  {
    name: "ID token that has expired",
    tests: ["id-token-of-another-login"],
    edits: [
      ["provider/upstream/openid-connect.ts", "clockTolerance: clockToleranceSeconds,", "clockTolerance: 1e9,"],
      withoutChecksOfTheClient,
    ],
  },
  {
    name: "An e-mail address that nobody verified",
    tests: ["unverified-email"],
    edits: [
      [
        "provider/upstream/claimed-identity.ts",
        "claims.email_verified === true ? claims : { ...claims, email: undefined };",
        "claims;",
      ],
    ],
  },
  {
    name: "An e-mail address that another answer verified",
    tests: ["unverified-email"],
    edits: [
      [
        "provider/upstream/openid-connect.ts",
        "const { email_verified } = fromToken.email === undefined ? fromUserinfo : fromToken;",
        "const { email_verified } = { ...fromUserinfo, ...fromToken };",
      ],
    ],
  },
  {
    name: "Guessing whose records they are",
    tests: ["guessing-whose-records-they-are"],
    edits: [
      [
        "storage/codecs/labels.ts",
        'label: createHmac("sha256", bytes).update(text).digest("base64url"),',
        'label: hash(bytes.length > 0 ? "sha256" : createHmac.name, text, "base64url"),',
      ],
    ],
  },
];
