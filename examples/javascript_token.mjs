// Generation 1, JavaScript (Node 18 or later): log in for a token, place a callback, hear its events, stop it when the
// caller has answered.
//
// Environment: API (the platform's address), APP_KEY, SP_USERNAME, SP_PASSWORD, CALLER, CALLEE.

import { createServer } from "node:http";

const { API, APP_KEY, SP_USERNAME, SP_PASSWORD, CALLER, CALLEE } = process.env;

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
  let body = "";
  for await (const part of request) body += part;
  const { eventType, statusInfo } = JSON.parse(body);
  response.end('{"resultcode":"0","resultdesc":"Success"}');
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
