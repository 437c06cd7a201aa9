// Generation 1, JavaScript (Node 18 or later): log in for a token, place a callback, hear its events, stop it when the
// caller has answered.
//
// Environment: API (the platform's address), APP_KEY, APP_SECRET, SP_USERNAME, SP_PASSWORD, CALLER, CALLEE.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const { API, APP_KEY, APP_SECRET, SP_USERNAME, SP_PASSWORD, CALLER, CALLEE } = process.env;
const TOLERANCE_S = 300;

// Whether the platform sent this body, not long ago (https://www.standardwebhooks.com).
function isSigned(headers, body) {
  const time = headers["webhook-timestamp"];
  const expected = createHmac("sha256", APP_SECRET).update(`${headers["webhook-id"]}.${time}.${body}`).digest();
  const good = (headers["webhook-signature"] ?? "").split(" ").some((each) => { // two, during a rotation
    const given = Buffer.from(each.replace(/^v1,/, ""), "base64");
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return good && Math.abs(Date.now() / 1000 - Number(time)) <= TOLERANCE_S;
}

// The ids of processed notifications: the same for every attempt, so this ends repeats by the platform and replays by
// others alike. A server with several processes keeps them in its database.
const seen = new Set();

async function post(path, query, body = "", headers = {}) {
  const url = `${API}${path}?${new URLSearchParams(query)}`;
  const response = await fetch(url, { method: "POST", body, headers });
  const answer = await response.json(); // a refusal has a body too, and a status that is not 200
  if (answer.resultcode !== "0") throw new Error(`${answer.resultcode} ${answer.resultdesc}`);
  return answer;
}

const say = (what) => console.log(JSON.stringify(what));

const who = { app_key: APP_KEY, username: SP_USERNAME };
const { access_token } = await post("/rest/fastlogin/v1.0", who, "", { Authorization: SP_PASSWORD });
const proof = { app_key: APP_KEY, access_token };
const json = { "Content-Type": "application/json;charset=UTF-8" };

async function stop(sessionid) {
  const body = JSON.stringify({ sessionid, signal: "call_stop" });
  const stopped = await post("/rest/httpsessions/callStop/v2.0", proof, body, json);
  say({ stopped: stopped.resultdesc });
}

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts).toString();
  if (!isSigned(request.headers, body)) {
    response.writeHead(403).end();
    return;
  }
  response.end('{"resultcode":"0","resultdesc":"Success"}');
  if (seen.has(request.headers["webhook-id"])) return;
  seen.add(request.headers["webhook-id"]);
  const { eventType, statusInfo } = JSON.parse(body);
  say({ event: eventType, ...statusInfo });
  if (eventType === "answer" && statusInfo.called === CALLER) await stop(statusInfo.sessionId);
  if (eventType === "disconnect") server.close();
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

const wanted = {
  callerNbr: CALLER,
  calleeNbr: CALLEE,
  maxDuration: 5,
  statusUrl: Buffer.from(`http://127.0.0.1:${server.address().port}/status`).toString("base64"),
};
const placed = await post("/rest/httpsessions/click2Call/v2.0", proof, JSON.stringify(wanted), json);
say({ placed: placed.sessionId });
