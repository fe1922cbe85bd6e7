// An Express application that has never heard of the variable PORT.
const express = require("express");

const app = express();

app.get("/", (request, response) => {
  response.send(`Hello from Express ${require("express/package.json").version}, version 1\n`);
});

app.get("/headers", (request, response) => response.json(request.headers));

app.listen(3000, () => console.log("listening on 3000"));
