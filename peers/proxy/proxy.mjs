// A back end of a Zoom App as samples write it: the session's token from memory, the call passed on by http-proxy-middleware.
import http from "node:http";
import { createProxyMiddleware } from "http-proxy-middleware";

const tokens = new Map();
for (const cookie of JSON.parse(process.env.COOKIES)) tokens.set(cookie, process.env.TOKEN);
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
const pass = createProxyMiddleware({
  target: process.env.TARGET,
  agent,
  pathRewrite: { "^/zoom/api": "" },
  on: {
    proxyReq: (out, request) => {
      out.setHeader("authorization", `Bearer ${request.token}`);
      out.removeHeader("cookie");
    },
    proxyRes: (answer) => { delete answer.headers["set-cookie"]; },
  },
});
const server = http.createServer((request, response) => {
  request.token = tokens.get(/parfocal_zoomapp=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1]);
  if (request.token) return pass(request, response);
  response.writeHead(401).end();
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ listening: `http://127.0.0.1:${server.address().port}` }));
});
