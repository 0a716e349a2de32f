import { killServer } from "/work/wt-sqlite/test/support/sqlite-server-kills.ts";
console.log(await killServer("/tmp/sqlite/s/state.db", "node:sqlite", { logins: 6, kills: 0 }));
