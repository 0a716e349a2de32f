import type { ProvedRule } from "../support/prove-rules.ts";

const cached = "storage/cached/cached-repository.ts";

/** The rule that stops each hazard, and how to take it out. */
export const hazardRules: readonly ProvedRule[] = [
  {
    name: "A delete races a read in flight; the read refills the cache with the dead value",
    tests: ["cached-a-delete-races-a-read-in-flight"],
    edits: [[cached, "return this.#loads.has(load) && !this.#writes.has(load.key);", "return true;"]],
  },
  {
    name: "A single-use value is handed out more than once (cache)",
    tests: ["cached-a-single-use-value-is-handed-out-twice"],
    edits: [[cached, "() => this.#backend.take(key)", "() => this.#backend.get(key)"]],
  },
  {
    name: "An add is answered by a cache, which does not know what the backend holds",
    tests: ["cached-an-add-is-answered-without-the-backend"],
    edits: [
      [
        cached,
        "() => this.#backend.add(key, record.given)",
        "async () => !known && this.#backend.add(key, record.given)",
      ],
      [
        cached,
        "    const record = this.#prepare(key, value);\n    return",
        "    const known = this.#copies.peek(key) !== undefined;\n    const record = this.#prepare(key, value);\n    return",
      ],
    ],
  },
  {
    name: "An add that is refused leaves in memory what was never stored",
    tests: ["cached-an-add-is-answered-without-the-backend"],
    edits: [
      [cached, "if (added) this.#keepWritten(key, name, record, asOf);", "this.#keepWritten(key, name, record, asOf);"],
    ],
  },
  {
    name: "A single-use value is handed out more than once (Redis)",
    tests: ["redis-a-single-use-value-is-handed-out-twice"],
    edits: [
      [
        "storage/redis/redis-repository.ts",
        'if ((await this.#write("take", redisKey, deleteOpened, isCounted)) === 1) return value;',
        'await this.#write("take", redisKey, deleteOpened, isCounted);\n        return value;',
      ],
    ],
  },
  {
    name: "A write or delete fails in the backend and is reported as done",
    tests: ["cached-a-failed-write-is-reported-as-done"],
    edits: [[cached, "const result = await write();", "const result = await write().catch(() => undefined as R);"]],
  },
  {
    name: "Expiry drifts: each layer restarts the clock",
    tests: ["cached-expiry-drifts"],
    edits: [[cached, "Math.min(asOf + this.#maxStaleness, expiry)", "asOf + this.#maxStaleness"]],
  },
  {
    name: "Revoked on one instance, alive on another",
    tests: ["cached-revoked-on-one-instance-alive-on-another"],
    edits: [[cached, ": this.#forgetNamed(names))", ": undefined)"]],
  },
  {
    name: "A caller mutates a cached object and the change sticks",
    tests: ["cached-a-caller-mutates-a-cached-object"],
    edits: [[cached, "const given = frozenRecord(value);", "const given = value;"]],
  },
  {
    name: "A caller mutates a cached object that the backend hands out",
    tests: ["cached-a-caller-mutates-a-cached-object"],
    edits: [[cached, "const frozen = frozenRecord(value);", "const frozen = value;"]],
  },
  {
    name: 'Falsy values or "known absent" treated wrongly',
    tests: ["cached-falsy-values-and-known-absence"],
    edits: [[cached, "load.answer.resolve(value === undefined ?", "load.answer.resolve(!value ?"]],
  },
  {
    name: "Deserialiser attacks",
    tests: ["redis-stored-values-attack-the-reader"],
    edits: [["storage/codecs/checked-codec.ts", "if (isSuspect(text)) requireHarmless(json);", ""]],
  },
  {
    name: "Keys collide across namespaces",
    tests: ["redis-keys-collide-across-namespaces"],
    edits: [["storage/key-space.ts", "/^[a-z0-9_-]{1,64}$/", "/^[a-z0-9_:-]{1,64}$/"]],
  },
  {
    name: "The client queues commands while Redis is down",
    tests: ["redis-the-client-queues-commands-while-redis-is-down"],
    edits: [["storage/redis/redis-port.ts", "requireSafeClient(client);", ""]],
  },
  {
    name: "The client queues commands while Redis is down (node-redis)",
    tests: ["redis-the-client-queues-commands-while-redis-is-down"],
    edits: [
      [
        "storage/redis/redis-port.ts",
        "if (isAnyNodeRedis(client)) requireSafeNodeRedis(client);",
        "if (isAnyNodeRedis(client)) ;",
      ],
    ],
  },
  {
    name: "What Valkey GLIDE could not answer in time is told as having had no effect",
    tests: ["redis-a-call-that-timed-out-still-lands"],
    edits: [
      [
        "storage/redis/glide/glide-failure.ts",
        'if (error.name === "TimeoutError") return new Error("Command timed out", { cause: error });',
        'if (error.name === "TimeoutError") return new Error("The client is offline", { cause: error });',
      ],
    ],
  },
  {
    name: "Redis Cluster: cross-slot MGET, MOVED inside a pipeline",
    tests: ["redis-cluster-moved-slots-and-cross-slot-reads"],
    edits: [
      [
        "storage/redis/get-batches.ts",
        "this.#bySlot = isRedisCluster(redis) ? new Map() : undefined;",
        "this.#bySlot = undefined;",
      ],
    ],
  },
  {
    name: "Pub/sub messages lost while disconnected",
    tests: ["cached-messages-lost-while-disconnected"],
    edits: [[cached, "if (this.#maxStandInAge === 0) this.#copies.clear();", "if (this.#maxStandInAge === 0) return;"]],
  },
  {
    name: "A call that timed out still lands later",
    tests: ["cached-a-call-that-timed-out-still-lands"],
    edits: [
      [cached, "    this.#forget(key);\n    try {", "    try {"],
      [cached, "    } finally {\n      this.#forget(key);", "    } finally {\n      if (written) this.#forget(key);"],
    ],
  },
  {
    name: "In-flight map leaks or lets two loads run",
    tests: ["cached-the-in-flight-map-leaks-or-loads-twice"],
    edits: [
      ["storage/cached/loads-under-way.ts", "if (this.has(load)) this.overtake(load.key);", "this.overtake(load.key);"],
    ],
  },
  {
    name: 'An outage reads as "token unknown", so every client logs in again',
    tests: ["provider-an-outage-reads-as-token-unknown"],
    edits: [
      [
        "provider/oauth-failure.ts",
        'new OAuthError("temporarily_unavailable", "This server',
        'new OAuthError("invalid_token", "This server',
      ],
    ],
  },
  {
    name: "Module-level or class-level shared state",
    tests: ["in-memory-state-is-shared-between-instances"],
    edits: [
      [
        "storage/in-memory.ts",
        "readonly #records = new Map<K, Kept<V>>();",
        "readonly #records: Map<K, Kept<V>> = shared;",
      ],
      ["storage/in-memory.ts", "export class", "const shared = new Map<any, any>();\nexport class"],
    ],
  },
  {
    name: "`delete` of a missing key throws",
    tests: ["cached-delete-of-a-missing-key-throws"],
    edits: [
      ["storage/in-memory.ts", "return existed;", 'if (!existed) throw new RangeError("x");\n    return existed;'],
    ],
  },
  {
    name: "Single process holds the login state, without expiry, keyed by the caller's `state`",
    tests: ["provider-a-single-process-holds-the-login-state"],
    edits: [["provider/login/login.ts", 'keys.derive("login transaction")', "keys.derive(String(Math.random()))"]],
  },
  {
    name: "One upstream token per client, so users of one client overwrite each other",
    tests: ["provider-one-upstream-token-per-client"],
    edits: [
      ["records/keys.ts", 'return storageKey("grant", handle);', 'return storageKey("grant", handle && "client");'],
    ],
  },
  {
    name: "The upstream token works as a bearer token at this server, without expiry",
    tests: ["provider-the-upstream-token-works-as-a-bearer-token"],
    edits: [
      [
        "provider/tokens/access-token-verifier.ts",
        "if (ours === undefined && !isPythonAccessToken(token)) throw invalidToken();",
        "",
      ],
      ["provider/tokens/access-token-verifier.ts", "if (record.resource === undefined) return !ours;", ""],
    ],
  },
  {
    name: "What was found of a token is kept longer than the records that it was found of",
    tests: ["provider-a-verification-outlives-its-records"],
    edits: [
      [
        "storage/cached/copies.ts",
        "// Whoever still holds the copy is answered by it no more.\n      copy.freshUntil = Number.NEGATIVE_INFINITY;",
        "",
      ],
    ],
  },
  {
    name: "What was found of a token is kept though its grant ended while it was read",
    tests: ["provider-a-verification-outlives-its-records"],
    edits: [
      [
        "provider/tokens/access-token-verifier.ts",
        "const isOfMemory = inMemory?.current() === record && grantInMemory?.current() === grant;",
        "const isOfMemory = true;",
      ],
    ],
  },
  {
    name: "Whatever comes is begun at once, so that nobody is served in time",
    tests: ["provider-more-comes-than-a-process-has-time-for"],
    edits: [
      [
        "provider/http/router.ts",
        'const refusal = await admission.enter(beginners.includes(route.name) ? "begins" : "continues");',
        "const refusal = beginners.includes(undefined) ? await admission.enter('begins') : undefined;",
      ],
    ],
  },
  {
    name: "Whoever has waited for too long is let wait on, where others have given up long ago",
    tests: ["provider-more-comes-than-a-process-has-time-for"],
    edits: [
      [
        "provider/http/admission.ts",
        "first !== undefined && now - first.since > patience;",
        "first !== undefined && now - first.since > 2 ** 40;",
      ],
    ],
  },
  {
    name: "What waits for its turn fills the memory",
    tests: ["provider-more-comes-than-a-process-has-time-for"],
    edits: [["provider/http/admission.ts", "if (this.#waiting >= maxWaiting) return this.#refuse();", ""]],
  },
  {
    name: "New logins are begun before those that have begun can end",
    tests: ["provider-more-comes-than-a-process-has-time-for"],
    edits: [
      [
        "provider/http/admission.ts",
        'const queue = part === "begins" ? this.#beginning : this.#continuing;',
        "const queue = this.#continuing;",
      ],
    ],
  },
  {
    name: "A single-use value is handed out more than once (SQLite)",
    tests: ["sqlite-a-single-use-value-is-handed-out-twice"],
    edits: [
      [
        "storage/sqlite/sqlite-repository.ts",
        "if (value === undefined || this.#table.deleteSame(key, row.value)) return value;",
        "this.#table.deleteSame(key, row.value);\n        return value;",
      ],
    ],
  },
  {
    name: "`take` destroys what it then cannot open (SQLite)",
    tests: ["sqlite-take-destroys-what-it-cannot-open"],
    edits: [
      [
        "storage/sqlite/sqlite-repository.ts",
        "const value = this.#decode(row, key);\n        if",
        "if (!this.#table.deleteSame(key, row.value)) continue;\n        return this.#decode(row, key);\n        const value = undefined;\n        if",
      ],
    ],
  },
  {
    name: "A commit that fails is reported as done (SQLite)",
    tests: ["sqlite-a-commit-that-fails-is-reported-as-done"],
    edits: [
      ["storage/sqlite/record-table.ts", "const [row] = this.#delete.all(key);", "const row = this.#delete.get(key);"],
    ],
  },
  {
    name: "An index hides what was written without it (SQLite)",
    tests: ["index-a-search-hides-a-record"],
    edits: [
      [
        "storage/sqlite/row-search.ts",
        "of [null, ...schemes.filter((each) => !known.includes(each))])",
        "of schemes.filter((each) => !known.includes(each)))",
      ],
    ],
  },
  {
    name: "An index hides a record whose entry could not be written (Redis)",
    tests: ["index-a-search-hides-a-record"],
    edits: [["storage/redis/record-labels.ts", "if (failed !== undefined) await this.#noteGap();", ""]],
  },
  {
    name: "An index leads to a record that has another value by now",
    tests: ["index-a-search-finds-what-is-another-value"],
    edits: [
      [
        "storage/redis/record-search.ts",
        "read.value === undefined || !indexes.isMeant(read.value, query, value)",
        "read.value === undefined",
      ],
    ],
  },
  {
    name: "A writer dies between the record and its labels, and the index hides the record (Vault)",
    tests: ["index-a-search-hides-a-record"],
    edits: [
      [
        "storage/vault/item-write.ts",
        "if (isElsewhere(known.indexPlace) || known.recordPlace !== parts.indexPlace) await parts.leaveIndex(known);",
        "",
      ],
    ],
  },
  {
    name: "An index keeps a record under labels of another value, where no search by its own finds it (Vault)",
    tests: ["index-a-search-hides-a-record"],
    edits: [
      [
        "storage/vault/index-search.ts",
        "[...outside, ...labelled.filter((secret) => !this.#isMeant(secret, query, value))]",
        "outside",
      ],
    ],
  },
  {
    name: "A search puts a record under the labels that it had before a write (Vault)",
    tests: ["index-a-search-hides-a-record"],
    edits: [
      [
        "storage/vault/index-search.ts",
        'if ("version" in placed && placed.version !== secret.version) await this.leave(secret);',
        "",
      ],
    ],
  },
  {
    name: "A write goes to where a search has put its record meanwhile, and stays there (Vault)",
    tests: ["index-a-search-hides-a-record"],
    edits: [
      ["storage/vault/item-write.ts", "if (isElsewhere(indexPlace)) await afterWrite(parts.leaveIndex(item));", ""],
    ],
  },
  {
    name: "An index hides what was written without it (Vault)",
    tests: ["index-a-search-hides-a-record"],
    edits: [
      [
        "storage/vault/index-search.ts",
        "yield* this.#amongCandidates(outside, query, value, seen, unreadable);",
        "yield* this.#amongCandidates([], query, value, seen, unreadable);",
      ],
    ],
  },
  {
    name: "A filter that finds nothing reads as an index that has nothing (Vault)",
    tests: ["index-a-search-hides-a-record"],
    edits: [
      [
        "storage/vault/index-search.ts",
        'return schemes.has(records.indexes.schemes()[0] ?? "") ? schemes : undefined;',
        "return schemes;",
      ],
    ],
  },
  {
    name: "An index hides what was labelled with another key (Vault)",
    tests: ["index-a-search-hides-a-record"],
    edits: [
      [
        "storage/vault/index-search.ts",
        "const foreign = [...schemes].filter((scheme) => !known.includes(scheme));",
        "const foreign = [...schemes].filter((scheme) => !known.includes(scheme) && false);",
      ],
    ],
  },
];
