// A sign-up page: who signs up is put into a table, and a topic tells of it.
//
// Which table and which topic is in a settings file that .ebextensions write. Endpoint, region and
// keys are found by the SDK itself, as on AWS.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const { DynamoDBClient, PutItemCommand } = require("@aws-sdk/client-dynamodb");
const { SNSClient, PublishCommand } = require("@aws-sdk/client-sns");

const settings = JSON.parse(fs.readFileSync(process.env.SIGNUP_SETTINGS || "/etc/signup.json"));
const tables = new DynamoDBClient({ region: settings.region });
const topics = new SNSClient({ region: settings.region });
const BODY_BYTES_MAX = 10000;

const page = (text) => `<!doctype html><title>Sign up</title><h1>Sign up</h1><p>${text}</p>
<form method="post" action="/signup">
<input name="name" placeholder="Name"><input name="email" type="email" placeholder="E-mail" required>
<button>Sign up</button></form>
`;

async function signUp(person) {
  const item = { email: { S: person.email } };
  if (person.name) item.name = { S: person.name };
  try {
    await tables.send(new PutItemCommand({
      TableName: settings.table,
      Item: item,
      ConditionExpression: "attribute_not_exists(email)",
    }));
  } catch (error) {
    if (error.name !== "ConditionalCheckFailedException") throw error;
    return [409, "You have signed up before."];
  }
  await topics.send(new PublishCommand({
    TopicArn: settings.topic,
    Subject: "A sign-up",
    Message: JSON.stringify(person),
  }));
  return [201, "Thank you."];
}

async function asked(request) {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
    if (body.length > BODY_BYTES_MAX) break;
  }
  const form = new URLSearchParams(body);
  return { email: form.get("email"), name: form.get("name") };
}

async function answer(request) {
  if (request.method !== "POST" || request.url !== "/signup") {
    return [200, `The theme is ${settings.theme.replace(/[<&]/g, "")}.`];
  }
  const person = await asked(request);
  return person.email ? signUp(person) : [400, "An e-mail address is needed."];
}

http.createServer((request, response) => {
  answer(request)
    .catch((error) => {
      console.error(error);
      return [500, "That did not work."];
    })
    .then(([status, text]) => {
      response.writeHead(status, { "Content-Type": "text/html; charset=utf-8" });
      response.end(page(text));
    });
}).listen(process.env.PORT || 8080);
