const http = require("http");

const port = process.env.PORT || 8080;

http
  .createServer((request, response) => {
    response.setHeader("Content-Type", "text/plain");
    response.end("Jackbean runs Node.js " + process.versions.node + ".\n");
  })
  .listen(port, () => console.log("listening on " + port));
