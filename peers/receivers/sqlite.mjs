// What a careful person writes by hand: node's http server, the signature in constant time, better-sqlite3 with WAL and
// synchronous FULL, prepared statements, repetitions recognised, answered when the row is durable.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import Database from "better-sqlite3";

const secret = process.env.SECRET;
const db = new Database(process.env.DATABASE);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(`CREATE TABLE IF NOT EXISTS inbox (
  n INTEGER PRIMARY KEY, dedupe_key BLOB NOT NULL UNIQUE, event TEXT NOT NULL, event_ts INTEGER NOT NULL, body TEXT NOT NULL, received INTEGER NOT NULL)`);
const insert = db.prepare("INSERT INTO inbox (dedupe_key, event, event_ts, body, received) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    const expected = Buffer.from(`v0=${createHmac("sha256", secret).update(`v0:${request.headers["x-zm-request-timestamp"]}:`).update(body).digest("hex")}`);
    const given = Buffer.from(request.headers["x-zm-signature"] ?? "");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      response.writeHead(401).end();
      return;
    }
    const text = body.toString("utf8");
    const { event, event_ts: at } = JSON.parse(text);
    insert.run(createHash("sha256").update(body).digest(), event, at, text, Date.now());
    response.writeHead(204).end();
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ listening: `http://127.0.0.1:${server.address().port}`, synchronous: db.pragma("synchronous", { simple: true }) }));
});
